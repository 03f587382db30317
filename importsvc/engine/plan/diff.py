"""What rows say otherwise than the records they are about: the values of before and after, and nothing else.

PostgreSQL compares, as it does when an import is undone: both sides are values of the table's own types, so that 1.5
and 1.50, or two spellings of a date, are the same. What it found is passed on as the text of its JSON: no number is
read and written again on the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import JSONField

from importsvc.engine.plan.plan import GivenValues, Plan, RowOf
from importsvc.engine.schema.defaults import Defaults
from importsvc.engine.schema.importable import Importable
from importsvc.postgres.catalog import literal, quote
from importsvc.postgres.copy import array_literal, json_text

# In place of the id of a record that is yet to be created: no record has it.
NO_RECORD = -1


class Difference(NamedTuple):
    """What a row changes of a record.

    Attributes:
        row: the number of the row.
        record_id: of the record.
        before, after: JSON objects: the values of the columns that change, by column of the table.
        references: columns, missing in ``after``, that will refer to what another row becomes.
    """

    row: int
    record_id: int
    before: str
    after: str
    references: Mapping[str, RowOf]

    def complete(self, values: Mapping[str, Any]) -> str:
        """``after`` with these values of its ``references``."""
        if not values:
            return self.after
        members = [self.after[1:-1], json_text(values)[1:-1]]
        return f"{{{', '.join(filter(None, members))}}}"


@dataclass(frozen=True)
class Differences:
    """What the rows of a plan change of records that exist.

    Attributes:
        by_type: by importable name, in row order.
        unchanged: by importable name, how many rows say what their record has already.
    """

    by_type: Mapping[str, Sequence[Difference]] = field(default_factory=dict)
    unchanged: Mapping[str, int] = field(default_factory=dict)

    def of(self, importable: Importable) -> Sequence[Difference]:
        """Those of one type."""
        return self.by_type.get(importable.name, ())


def read_differences(plan: Plan, defaults: Defaults) -> Differences:
    """Compare what rows give with what records have now. Of a record that is gone by now nothing is said.

    ``plan`` is valid. What a column is to have that a row clears, ``defaults`` say.
    """
    by_type: dict[str, list[Difference]] = {}
    unchanged: dict[str, int] = {}
    for records in plan.records:
        importable = records.importable
        cleared = defaults.cleared(importable)
        found = by_type.setdefault(importable.name, [])
        count = 0
        for given in records.given_values():
            found += _compare(importable, given, cleared)
            count += len(given)
        unchanged[importable.name] = count - len(found)
    return Differences(by_type, unchanged)


def count_rows(plan: Plan, differences: Differences) -> dict[str, dict[str, int]]:
    """What becomes of a plan's rows: how many of each type are created, updated, unchanged and skipped."""
    return {
        records.importable.name: {
            "created": records.created,
            "updated": len(differences.of(records.importable)),
            "unchanged": differences.unchanged.get(records.importable.name, 0),
            "skipped": records.skipped,
        }
        for records in plan.records
    }


def _compare(importable: Importable, given: Sequence[GivenValues], cleared: Sequence[Any]) -> list[Difference]:
    """The differences of rows whose records exist.

    Each column is compared by itself and written only where it differs: whole records as JSON, compared member by
    member, take three times as long.
    """
    columns = [str(each.column) for each in importable.fields]
    mentioned = [importable.fields[at] for at in sorted(set().union(*(each.values for each in given)))]
    if not mentioned:
        return []
    types = ", ".join(f"{quote(str(each.column))} {each.db_type(connection)}" for each in mentioned)
    before, after = (", ".join(_write_member(side, each) for each in mentioned) for side in ("record", "wants"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT row, record_id, '{' || before || '}', '{' || after || '}' FROM ("
            f"  SELECT row, record_id, concat_ws(', ', {before}) AS before, concat_ws(', ', {after}) AS after"
            "   FROM unnest(%s::int[], %s::bigint[], %s::jsonb[]) AS each(row, record_id, given)"
            f"  CROSS JOIN LATERAL jsonb_to_record(given) AS wants({types}) CROSS JOIN LATERAL"
            f"  (SELECT * FROM {quote(importable.model._meta.db_table)} AS stored WHERE stored.id = record_id OFFSET 0)"
            "   AS record"
            ") AS compared WHERE before <> '' ORDER BY row",
            [
                array_literal([str(each.row) for each in given]),
                array_literal([str(each.record_id) for each in given]),
                array_literal([json_text(_name_values(each, columns, cleared)) for each in given]),
            ],
        )
        found = cursor.fetchall()
    references = {
        each.row: {columns[at]: value for at, value in each.values.items() if isinstance(value, RowOf)}
        for each in given
    }
    return [
        Difference(row, record_id, before_text, after_text, references[row])
        for row, record_id, before_text, after_text in found
    ]


def _write_member(source: str, field: Any) -> str:
    """SQL for ``"title": "Chief"``, the value that ``record`` has or the row ``wants``; null where they are the same.

    It is null, too, where the row wants a record that is yet to be created, which is ``NO_RECORD`` here.
    """
    name, key = quote(field.column), literal(field.column)
    has, wants = f"record.{name}", f"wants.{name}"
    if isinstance(field, JSONField):  # the null of SQL and that of JSON are the same
        has, wants = f"nullif({has}, 'null')", f"nullif({wants}, 'null')"
    condition = f"given ? {key} AND {has} IS DISTINCT FROM {wants}"
    if field.is_relation and source == "wants":
        condition += f" AND {wants} IS DISTINCT FROM {NO_RECORD}"
    member = literal(f"{json_text(field.column)}: ")
    return f"CASE WHEN {condition} THEN {member} || coalesce(to_json({source}.{name})::text, 'null') END"


def _name_values(given: GivenValues, columns: Sequence[str], cleared: Sequence[Any]) -> dict[str, Any]:
    """What a row gives by column of the table."""
    return {
        columns[at]: cleared[at] if value is None else NO_RECORD if isinstance(value, RowOf) else value
        for at, value in given.values.items()
    }
