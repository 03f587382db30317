"""What the journal says of updated records, written into them: by the import itself, and by its undoing."""

from __future__ import annotations

from typing import Literal

from django.db import connection

from importsvc.engine.revert.changes import Entries
from importsvc.engine.schema.importable import Importable
from importsvc.journal import UPDATED
from importsvc.postgres.catalog import literal, quote

Side = Literal["before", "after"]


def write_values(importable: Importable, *, import_id: int, side: Side) -> int:
    """Write what was ``before`` an import, or was to be ``after`` it, into the records of a type that it updated.

    Of each record only those columns are written that its journal entry has on that side, without its ``kept_fields``;
    columns that no entry has are not touched at all. A value is read as one of the column's own type; null of JSON
    becomes null of SQL. What the table has no column for is left out. Records that are gone are passed over.

    The caller has called ``force_generic_plans`` and locked the records, each in this transaction and before this
    statement.

    Returns:
        How many records were written.

    Raises:
        django.db.IntegrityError: the database does not accept a value, as when another record has it that must be
            unique, or what it refers to is gone. Nothing may be kept of the transaction.
    """
    updated = Entries(importable, import_id, UPDATED)
    written = [
        name for name, column in updated.columns.items() if name in updated.mentioned and not column.is_generated
    ]
    if not written:
        return 0
    entries = updated.select()
    assignments = ", ".join(
        f"{column} = CASE WHEN change.given ? {literal(name)} THEN value.{column} ELSE record.{column} END"
        for name, column in zip(written, map(quote, written), strict=True)
    )
    given = f"CASE WHEN kept_fields IS NULL THEN {side} ELSE {side} - kept_fields::text[] END"
    # There is one way to go: through the journal, and from each entry to where its record is. PostgreSQL has no
    # statistics of a journal that was just written and might compare every entry with every record. A record that is
    # locked stays where it is.
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {updated.table} AS record SET {assignments} FROM ("
            f"  SELECT record_id, {given} AS given FROM ({entries.sql}) AS entry OFFSET 0"
            ") AS change CROSS JOIN LATERAL"
            f" (SELECT ctid FROM {updated.table} AS locked WHERE locked.id = change.record_id OFFSET 0) AS place(here)"
            " CROSS JOIN LATERAL jsonb_to_record(change.given) AS"
            f" value({', '.join(f'{quote(name)} {updated.columns[name].type}' for name in written)})"
            f" WHERE record.ctid = place.here AND change.given ?| %s",
            [*entries.parameters, written],
        )
        return int(cursor.rowcount)
