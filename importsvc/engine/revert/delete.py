"""The removal of records that an import created, at a pace and a cost that do not depend on how many there are."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection
from django.db.models import Model

from importsvc.engine.revert.changes import Entries
from importsvc.postgres.foreign_keys import find_foreign_keys

# PostgreSQL keeps each record that a statement removes until it has checked all keys to it.
REMOVED_AT_ONCE = 10_000


def analyze_tables(model: type[Model]) -> None:
    """Let PostgreSQL count the records of the model, and the rows of each table with a foreign key to them.

    By statistics of a table that was nearly empty, or whose rows had been removed and not yet vacuumed, each index is
    as good as any other for the check of a key: also one that leads through all rows of the organization. A table that
    is being analyzed or vacuumed already is skipped: no session waits for another.
    """
    quote = connection.ops.quote_name
    columns: dict[str, set[str]] = {quote(model._meta.db_table): {quote(str(model._meta.pk.column))}}
    for key in find_foreign_keys(model):
        columns.setdefault(key.table, set()).update(quote(column) for column, _ in key.columns)
    with connection.cursor() as cursor:
        # Samples of 7,500 rows instead of 30,000: that is enough for this, and holds less in memory.
        cursor.execute("SET LOCAL default_statistics_target = 25")
        for table, analyzed in columns.items():
            cursor.execute(f"ANALYZE (SKIP_LOCKED) {table} ({', '.join(sorted(analyzed))})")


def remove_records(entries: Entries) -> None:
    """Remove the records that are not kept. They are locked, and so are where they are found."""
    for first, last in _slices(entries):
        part = entries.between(first, last).from_records("SELECT ctid AS here")
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {entries.table} AS removed USING"
                f" (SELECT record.here {part.sql} WHERE change.outcome IS NULL OFFSET 0) AS found"
                " WHERE removed.ctid = found.here",
                part.parameters,
            )


def _slices(entries: Entries) -> Iterator[tuple[int, int]]:
    """The first and the last of the records' ids, ``REMOVED_AT_ONCE`` by ``REMOVED_AT_ONCE``.

    All at once if they may refer to each other: a key that is checked after each statement would not wait for the next.
    """
    model = entries.importable.model
    limit = None if any(key.model is model for key in find_foreign_keys(model)) else REMOVED_AT_ONCE
    last = 0
    while True:
        part = entries.between(last + 1, None).select()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT min(record_id), max(record_id) FROM"
                f" (SELECT record_id FROM ({part.sql}) AS entry ORDER BY record_id LIMIT %s) AS part",
                [*part.parameters, limit],
            )
            first, last = cursor.fetchone()
        if first is None:
            return
        yield first, last
