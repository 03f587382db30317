"""The last imports of records, for the lists of the admin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from importsvc.imports.record_history import find_last_imports
from importsvc.imports.services import find_record_type


def read_last_imports(records: Sequence[Any]) -> dict[int, int]:
    """The id of the last import that wrote each of the records, which are of one model; without those of none."""
    record_type = find_record_type(type(records[0])) if records else None
    if record_type is None:
        return {}
    organization_ids = {record.organization_id for record in records}
    return find_last_imports(organization_ids, record_type, [record.pk for record in records])
