"""The events of webhooks and their data: ids, counts and links, no personal data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models


class Event(models.TextChoices):
    """What an endpoint may subscribe to. The value is the ``type`` in the body of a request."""

    IMPORT_PROCESSED = "import.processed", "import.processed"
    IMPORT_FAILED = "import.failed", "import.failed"
    IMPORT_REVERTED = "import.reverted", "import.reverted"
    OPERATION_CANCELLED = "operation.cancelled", "operation.cancelled"


def describe_import(import_id: int, counts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The data of an event about an import; ``counts`` are numbers by record type.

    ``{"import_id": "7", "counts": {"company": {"created": 1, …}, …}, "link": "/api/v2/imports/7"}``
    """
    return {"import_id": str(import_id), "counts": counts, "link": f"/api/v2/imports/{import_id}"}
