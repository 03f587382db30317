"""Queries of the change log for other apps and the engine."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Count, Func, QuerySet, Sum

from importsvc.changelog.models import CREATED, Change, CreatedChunk, SingleChange


def read_shared_values(*, organization_id: int, import_id: int) -> dict[str, dict[str, Any]]:
    """The values that an import gave to all records that it created, by type and column of the table.

    They are stored once, with the import, and not in each change.
    """
    imports: Any = Change._meta.get_field("import_record").related_model
    values = imports._default_manager.filter(organization_id=organization_id).values_list("shared_values", flat=True)
    shared: dict[str, dict[str, Any]] = values.get(pk=import_id)
    return shared


def count_changes(*, organization_id: int, import_id: int) -> list[tuple[str, str, int]]:
    """The numbers of changes of an import by type and action; the number of a type and action may be in parts."""
    of_import = {"organization_id": organization_id, "import_record_id": import_id}
    single = SingleChange.objects.filter(**of_import).values_list("record_type", "action").annotate(count=Count("*"))
    chunks = CreatedChunk.objects.filter(**of_import).values_list("record_type").annotate(count=Sum("record_count"))
    return [*single.order_by(), *((record_type, CREATED, count) for record_type, count in chunks.order_by())]


def select_created(record_type: str, import_ids: Collection[int], *, organization_id: int) -> QuerySet[Any, Any]:
    """The ids of the records of a type that these imports of the organization created, for use as a subquery."""
    of_type: dict[str, Any] = {
        "organization_id": organization_id,
        "import_record__in": import_ids,
        "record_type": record_type,
    }
    single = SingleChange.objects.filter(**of_type, action=CREATED).values("record_id")
    chunked = CreatedChunk.objects.filter(**of_type).values(record_id=Func("record_ids", function="unnest"))
    return single.union(chunked, all=True)


def select_changes_of_records(
    organization_ids: Collection[int], record_type: str, record_ids: Collection[int]
) -> QuerySet[Change, Change]:
    """The changes that imports of these organizations made to these records of a type.

    The index of ``change_record_once`` finds them: PostgreSQL 18 skips from import to import, an earlier one reads what
    the index has of the organizations.
    """
    changes = Change.objects.filter(organization_id__in=organization_ids, record_type=record_type)
    return changes.of_records(record_ids)


def find_end(*, organization_id: int, import_id: int, after: int, size: int, **of: str) -> int | None:
    """The id of a record such that those from ``after`` to it have at most ``size`` changes, or are those of one chunk.

    ``None`` if there are no more. ``of`` restricts the changes by ``record_type`` and ``action``.
    """
    of_import = {"organization_id": organization_id, "import_record_id": import_id}
    singles = SingleChange.objects.filter(**of_import, **of, record_id__gt=after).order_by("record_id")
    ends = list(singles.values_list("record_id", flat=True)[size - 1 : size])
    if of.pop("action", CREATED) == CREATED:
        chunks = CreatedChunk.objects.filter(**of_import, **of, last_id__gt=after).order_by("last_id")
        total, last = 0, None
        for last_id, count in chunks.values_list("last_id", "record_count")[: size + 1]:
            total += count
            if last is not None and total > size:
                ends.append(last)
                break
            last = last_id
    return min(ends, default=None)
