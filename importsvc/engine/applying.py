"""The values of the journal to the records: those of after when an import runs, those of before when it is undone."""

from __future__ import annotations

from typing import Literal

from django.db import connection

from importsvc.engine.edits import find_changed_fields
from importsvc.engine.entries import Entries
from importsvc.engine.references import KEPT


def apply_values(entries: Entries, side: Literal["before", "after"], *, kept: bool = False) -> None:
    """Give every record that an import updated the values of one side of its journal entry.

    The caller owns the transaction, and has locked the records. Columns that no entry mentions are not touched, so
    that PostgreSQL neither checks their keys nor writes their indexes anew; nor are those that ``undo_kept`` holds, if
    ``kept`` says that there is something.
    """
    names = [connection.ops.quote_name(str(field.column)) for field in find_changed_fields(entries)]
    if not names:
        return
    values, join = f"change.{side}", ""
    if kept:
        values += " - coalesce(kept.fields, '{}')"
        join = f"LEFT JOIN {KEPT} AS kept USING (record_type, record_id)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {entries.table} AS record SET {', '.join(f'{name} = given.{name}' for name in names)} FROM ("
            f"  SELECT given.* FROM (SELECT record_id, {values} AS side {entries.source()} {join} OFFSET 0) AS change"
            "   CROSS JOIN LATERAL"
            f"  (SELECT stored FROM {entries.table} AS stored WHERE stored.id = change.record_id OFFSET 0)"
            "   AS found(record) CROSS JOIN LATERAL jsonb_populate_record(found.record, side) AS given"
            ") AS given WHERE record.id = given.id",
            entries.parameters,
        )
