"""Work of all organizations that workers share: each takes the first row that no other transaction has locked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeVar

from django.db import DatabaseError, connection, transaction
from django.db.models import Model, QuerySet

from importsvc.postgres.citus.catalog import has_extension, read
from importsvc.postgres.outages import is_outage

Record = TypeVar("Record", bound=Model)

# Rows that are read at first. Usually the first of them is free; the number doubles while all are locked.
_ROWS: Final = 8


def lock_first(rows: QuerySet[Record], *, status: str) -> Record | None:
    """Lock the first of the rows that is not locked, in the caller's transaction; ``None`` if there is none.

    The rows are found without locks, and then locked by a statement for each, which names the organization: the nodes
    of a cluster lock rows of one organization only. It has the conditions of the queryset, too, so a row that another
    transaction has changed meanwhile is passed over. While a node of a cluster is down, the rows of the others are
    found all the same, organization by organization.

    Args:
        rows: of a model with an organization, ordered.
        status: the value of the column ``status`` that all of these rows have.

    Raises:
        DatabaseError: the database cannot be used.
    """
    for conditions in _find_conditions(rows, status):
        own = rows.filter(**conditions)
        record = own.select_for_update(of=("self",), no_key=True, skip_locked=True).first()
        if record is not None:
            return record
    return None


def _find_conditions(rows: QuerySet[Record], status: str) -> Iterator[dict[str, Any]]:
    """The conditions of the rows one by one, or of the organizations of which there are some."""
    start, count = 0, _ROWS
    while True:
        try:
            with transaction.atomic():
                keys = list(rows.values_list("organization_id", "pk")[start : start + count])
        except DatabaseError as error:
            if not (is_outage(error) and connection.is_usable() and has_extension(connection)):
                raise
            yield from ({"organization_id": each} for each in _find_organizations(rows.model, status))
            return
        yield from ({"organization_id": organization_id, "pk": pk} for organization_id, pk in keys)
        if len(keys) < count:
            return
        start, count = start + count, 2 * count


def _find_organizations(model: type[Model], status: str) -> list[int]:
    """The organizations with rows of a status, on those nodes of the cluster that are up."""
    table = connection.ops.quote_name(model._meta.db_table)
    command = f"SELECT string_agg(DISTINCT organization_id::text, ',') FROM %s WHERE status = '{status}'"
    sql = "SELECT result FROM run_command_on_shards(%s, %s) WHERE success AND result <> ''"
    found = [ids for (ids,) in read(connection, sql, [table, command])]
    return sorted(int(each) for ids in found for each in ids.split(","))
