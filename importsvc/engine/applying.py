"""The values of the journal to the records: those of after when an import runs, those of before when it is undone."""

from __future__ import annotations

from typing import Any, Literal

from django.db import connection

from importsvc.engine.importable import Importable
from importsvc.journal import UPDATED, get_journal_model


def apply_values(importable: Importable, import_id: int, side: Literal["before", "after"]) -> None:
    """Give every record of a type that an import updated the values of one side of its journal entry.

    The caller owns the transaction, and has locked the records. Columns that no entry mentions are not touched, so
    that PostgreSQL neither checks their keys nor writes their indexes anew.
    """
    quote = connection.ops.quote_name
    table, journal = quote(importable.model._meta.db_table), quote(get_journal_model()._meta.db_table)
    updated = f"FROM {journal} AS change WHERE import_id = %s AND record_type = %s AND action = '{UPDATED}'"
    parameters: list[Any] = [import_id, importable.name]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT jsonb_object_keys({side}) {updated} ORDER BY 1", parameters)
        columns = [quote(name) for (name,) in cursor.fetchall()]
        if columns:
            # LATERAL and OFFSET: PostgreSQL knows nothing yet of a journal just written (see ``undo``).
            cursor.execute(
                f"UPDATE {table} AS record SET {', '.join(f'{name} = given.{name}' for name in columns)} FROM ("
                f"  SELECT given.* FROM (SELECT record_id, {side} AS side {updated}) AS change CROSS JOIN LATERAL"
                f"  (SELECT stored FROM {table} AS stored WHERE stored.id = change.record_id OFFSET 0) AS found(record)"
                "   CROSS JOIN LATERAL jsonb_populate_record(found.record, side) AS given"
                ") AS given WHERE record.id = given.id",
                parameters,
            )
