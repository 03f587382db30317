"""Model fields for PostgreSQL's type json."""

from __future__ import annotations

from typing import Any

from django.db import models


class OrderedJsonField(models.JSONField):
    """JSON that keeps the order of the members of objects, which jsonb does not."""

    def db_type(self, connection: Any) -> str:
        """PostgreSQL's type."""
        return "json"

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """Cast to text, which the field decodes: the driver would decode json."""
        return f"{sql}::text", params
