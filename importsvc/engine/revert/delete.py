"""Removes the records that an import created, in time and memory proportional to their number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from django.db import connection
from django.db.models import Model

from importsvc.changelog.models import CREATED
from importsvc.changelog.selectors import find_end
from importsvc.engine.revert.changes import Changes
from importsvc.postgres.foreign_keys import find_direct_keys, find_foreign_keys
from importsvc.postgres.statistics import analyze_columns

# PostgreSQL holds each record that a statement removes in memory until it has checked all foreign keys to it.
REMOVED_AT_ONCE = 10_000


def analyze_tables(model: type[Model]) -> None:
    """Run ANALYZE on the model's table and on each table with a foreign key to it, or to rows that go with its rows.

    With the statistics of a table that was nearly empty, or not vacuumed after a removal, PostgreSQL may check a key by
    an index that reads all rows of the organization.
    """
    quote = connection.ops.quote_name
    columns: dict[str, set[str]] = {quote(model._meta.db_table): {quote(str(model._meta.pk.column))}}
    for key in (*find_direct_keys(model), *find_foreign_keys(model)):
        columns.setdefault(key.table, set()).update(quote(column) for column, _ in key.columns)
    analyze_columns(columns)


def remove_records(changes: Changes, progress: Callable[[int], object] = lambda _: None) -> None:
    """Remove the records that are not kept. The caller has locked them, so that their ctids do not change.

    ``progress`` is called with the number of records that each statement removes.
    """
    model = changes.importable.model
    # A foreign key of the table to itself is checked after each statement: all records are removed by one.
    is_at_once = any(key.model is model for key in find_direct_keys(model))
    first = 0
    with connection.cursor() as cursor:
        while True:
            rest = replace(changes, first=first)
            last = (
                None
                if is_at_once
                else find_end(
                    organization_id=changes.organization_id,
                    import_id=changes.import_id,
                    after=first - 1,
                    size=REMOVED_AT_ONCE,
                    record_type=changes.importable.name,
                    action=CREATED,
                )
            )
            part = replace(rest, last=last).from_records("SELECT ctid AS here")
            cursor.execute(
                f"DELETE FROM {changes.table} AS removed WHERE removed.organization_id = %s"
                f" AND removed.ctid = ANY(ARRAY(SELECT record.here {part.sql} WHERE change.outcome IS NULL))",
                [changes.organization_id, *part.parameters],
            )
            progress(cursor.rowcount)
            if last is None:
                return
            first = last + 1
