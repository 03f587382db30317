"""Writes the values in the change log into updated records: ``after`` for an import, ``before`` for its revert."""

from __future__ import annotations

from typing import Literal

from django.db import connection

from importsvc.changelog.models import UPDATED
from importsvc.engine.revert.changes import Changes, join_by_nested_loops
from importsvc.engine.schema.importable import Importable
from importsvc.postgres.catalog import literal, quote

Side = Literal["before", "after"]


def apply_change_values(importable: Importable, *, organization_id: int, import_id: int, side: Side) -> int:
    """Write the values ``before`` an import, or ``after`` it, into the records of a type that the import updated.

    Only the columns that a record's change has on that side are written, without its ``kept_fields``. Each value is
    converted to the column's type; JSON null becomes SQL null. Values for columns that the table does not have, and
    changes of records that no longer exist, are skipped.

    The caller has called ``force_generic_plans`` and locked the records in this transaction.

    Returns:
        The number of records written.

    Raises:
        django.db.IntegrityError: a value must be unique and another record has it, or it refers to a record that no
            longer exists. The caller rolls the transaction back.
    """
    updated = Changes(importable, organization_id, import_id, UPDATED)
    written = [
        name for name, column in updated.columns.items() if name in updated.mentioned and not column.is_generated
    ]
    if not written:
        return 0
    join_by_nested_loops()
    changes = updated.select(values=True)
    assignments = ", ".join(
        f"{column} = CASE WHEN change.given ? {literal(name)} THEN value.{column} ELSE record.{column} END"
        for name, column in zip(written, map(quote, written), strict=True)
    )
    given = f"CASE WHEN kept_fields IS NULL THEN {side} ELSE {side} - kept_fields::text[] END"
    # By the ctid of each record, which does not change while the record is locked.
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {updated.table} AS record SET {assignments} FROM ("
            f"  SELECT record_id, {given} AS given FROM ({changes.sql}) AS change OFFSET 0"
            ") AS change CROSS JOIN LATERAL ("
            f"  SELECT ctid FROM {updated.table} AS locked"
            f"   WHERE {updated.of_organization('locked')} AND locked.id = change.record_id OFFSET 0"
            ") AS place(here) CROSS JOIN LATERAL jsonb_to_record(change.given) AS"
            f" value({', '.join(f'{quote(name)} {updated.columns[name].type}' for name in written)})"
            f" WHERE {updated.of_organization('record')} AND record.ctid = place.here"
            " AND change.given ?| %s",
            [*changes.parameters, written],
        )
        return int(cursor.rowcount)
