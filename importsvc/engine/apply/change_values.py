"""The values that the change log has of updated records, written into the records: by an import, and by its revert."""

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

    Of each record only those columns are written that its change has on that side, without its ``kept_fields``;
    columns that no change has are not touched at all. A value is read as one of the column's own type; null of JSON
    becomes null of SQL. Values of columns that the table does not have, and records that are gone, are passed over.

    The caller has called ``force_generic_plans`` and locked the records, each in this transaction and before this
    statement.

    Returns:
        The number of records written.

    Raises:
        django.db.IntegrityError: the database does not accept a value: another record has it already and it must be
            unique, or the record that it refers to is gone. The caller rolls the transaction back.
    """
    updated = Changes(importable, organization_id, import_id, UPDATED)
    written = [
        name for name, column in updated.columns.items() if name in updated.mentioned and not column.is_generated
    ]
    if not written:
        return 0
    join_by_nested_loops()
    changes = updated.select()
    assignments = ", ".join(
        f"{column} = CASE WHEN change.given ? {literal(name)} THEN value.{column} ELSE record.{column} END"
        for name, column in zip(written, map(quote, written), strict=True)
    )
    given = f"CASE WHEN kept_fields IS NULL THEN {side} ELSE {side} - kept_fields::text[] END"
    # From each change to the place of its record: a record that is locked stays where it is.
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {updated.table} AS record SET {assignments} FROM ("
            f"  SELECT organization_id, record_id, {given} AS given FROM ({changes.sql}) AS change OFFSET 0"
            ") AS change CROSS JOIN LATERAL ("
            f"  SELECT ctid FROM {updated.table} AS locked"
            "   WHERE locked.organization_id = change.organization_id AND locked.id = change.record_id OFFSET 0"
            ") AS place(here) CROSS JOIN LATERAL jsonb_to_record(change.given) AS"
            f" value({', '.join(f'{quote(name)} {updated.columns[name].type}' for name in written)})"
            " WHERE record.organization_id = change.organization_id AND record.ctid = place.here"
            " AND change.given ?| %s",
            [*changes.parameters, written],
        )
        return int(cursor.rowcount)
