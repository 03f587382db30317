"""Queries of the change log for other apps and the engine."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet

from importsvc.changelog.models import CREATED, Change


def read_shared_values(*, organization_id: int, import_id: int) -> dict[str, dict[str, Any]]:
    """The values that an import gave to all records that it created, by type and column of the table.

    They are stored once, with the import, and not in each change.
    """
    imports: Any = Change._meta.get_field("import_record").related_model
    values = imports._default_manager.filter(organization_id=organization_id).values_list("shared_values", flat=True)
    shared: dict[str, dict[str, Any]] = values.get(pk=import_id)
    return shared


def select_created(record_type: str, import_ids: Collection[int], *, organization_id: int) -> QuerySet[Change, Any]:
    """The ids of the records of a type that these imports of the organization created, for use as a subquery."""
    changes = Change.objects.filter(
        organization_id=organization_id, import_record__in=import_ids, record_type=record_type, action=CREATED
    )
    return changes.values("record_id")


def select_changes_of_records(
    organization_ids: Collection[int], record_type: str, record_ids: Collection[int]
) -> QuerySet[Change, Change]:
    """The changes that imports of these organizations made to these records of a type.

    The index of ``change_record_once`` finds them: PostgreSQL 18 skips from import to import, an earlier one reads what
    the index has of the organizations.
    """
    return Change.objects.filter(
        organization_id__in=organization_ids, record_type=record_type, record_id__in=record_ids
    )
