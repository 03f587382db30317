"""Work of all organizations that workers share: each takes the first row that no other transaction has locked."""

from __future__ import annotations

from typing import Final, TypeVar

from django.db.models import Model, QuerySet

Record = TypeVar("Record", bound=Model)

# Rows that are read at first. Usually the first of them is free; the number doubles while all are locked.
_ROWS: Final = 8


def lock_first(rows: QuerySet[Record]) -> Record | None:
    """Lock the first of the rows that is not locked, in the caller's transaction; ``None`` if there is none.

    The rows are found without locks, and then locked by a statement for each, which names the organization: the nodes
    of a cluster lock rows of one organization only. It has the conditions of the queryset, too, so a row that another
    transaction has changed meanwhile is passed over.

    Args:
        rows: of a model with an organization, ordered.
    """
    start, count = 0, _ROWS
    while True:
        keys = list(rows.values_list("organization_id", "pk")[start : start + count])
        for organization_id, pk in keys:
            own = rows.filter(organization_id=organization_id, pk=pk)
            record = own.select_for_update(of=("self",), no_key=True, skip_locked=True).first()
            if record is not None:
                return record
        if len(keys) < count:
            return None
        start, count = start + count, 2 * count
