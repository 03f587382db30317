"""The removal of records that an import created, in time and memory proportional to their number."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection
from django.db.models import Model

from importsvc.engine.revert.changes import Changes
from importsvc.postgres.foreign_keys import find_foreign_keys
from importsvc.postgres.statistics import analyze_columns

# PostgreSQL keeps each record that a statement removes until it has checked all keys to it.
REMOVED_AT_ONCE = 10_000


def analyze_tables(model: type[Model]) -> None:
    """Let PostgreSQL count the records of the model, and the rows of each table with a foreign key to them.

    By statistics of a table that was nearly empty, or whose rows had been removed and not yet vacuumed, each index is
    as good as any other for the check of a key: also one that leads through all rows of the organization.
    """
    quote = connection.ops.quote_name
    columns: dict[str, set[str]] = {quote(model._meta.db_table): {quote(str(model._meta.pk.column))}}
    for key in find_foreign_keys(model):
        columns.setdefault(key.table, set()).update(quote(column) for column, _ in key.columns)
    analyze_columns(columns)


def remove_records(changes: Changes) -> None:
    """Remove the records that are not kept. The caller has locked them, so that each stays in its place."""
    for first, last in _slices(changes):
        part = changes.between(first, last).from_records("SELECT ctid AS here")
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {changes.table} AS removed WHERE removed.organization_id = %s"
                f" AND removed.ctid = ANY(ARRAY(SELECT record.here {part.sql} WHERE change.outcome IS NULL))",
                [changes.organization_id, *part.parameters],
            )


def _slices(changes: Changes) -> Iterator[tuple[int, int]]:
    """The first and the last of the records' ids, ``REMOVED_AT_ONCE`` at a time.

    All at once if records of the type may refer to each other: a key that is checked after each statement would not
    wait for the next.
    """
    model = changes.importable.model
    limit = None if any(key.model is model for key in find_foreign_keys(model)) else REMOVED_AT_ONCE
    last = 0
    while True:
        part = changes.between(last + 1, None).select()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT min(record_id), max(record_id) FROM"
                f" (SELECT record_id FROM ({part.sql}) AS change ORDER BY record_id LIMIT %s) AS part",
                [*part.parameters, limit],
            )
            first, last = cursor.fetchone()
        if first is None:
            return
        yield first, last
