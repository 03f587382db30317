"""Which records are not as an import left them: as the change log says, and else as the model's defaults say.

Both sides are values of the table's own types, so that 1.5 and 1.50, or two spellings of a date, are the same. So are
the null of SQL and that of JSON. A value that neither the change log nor the model knows is taken as unchanged. Fields
that are ignored are not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from importsvc.changelog.models import CREATED
from importsvc.changelog.selectors import read_shared_values
from importsvc.engine.revert.changes import Changes, Query
from importsvc.engine.schema.importable import has_computed_default
from importsvc.postgres.catalog import TableColumn, literal, quote
from importsvc.postgres.copy import json_text

_NO_REFERRERS = "NULL::bigint AS first, 0 AS referrers"


def select_edited_created(changes: Changes) -> Query:
    """Created records of which any column has another value than the import left (see ``Obstacle.query``)."""
    importable = changes.importable
    columns = changes.columns
    ignored = importable.ignored_columns
    expected = {name: value for name, value in _expected_values(changes).items() if name not in ignored}
    given = _typed(columns, changes.mentioned & columns.keys() - ignored)
    records = changes.from_records()
    condition = _seems_edited(columns, given, expected, ignored)
    sql = (
        f'SELECT place, record_id, row, fields, "then", now, {_NO_REFERRERS} FROM ('
        "  SELECT place, record_id, row, to_jsonb(record) AS record, to_jsonb("
        "    jsonb_populate_record(record, (%s::jsonb || after) - %s::text[])"
        "  ) AS expected FROM ("
        "    SELECT change.place, change.organization_id, change.record_id, change.row, change.after"
        f"   {records.sql}"
        f"   CROSS JOIN jsonb_populate_record(NULL::{changes.table}, %s) AS usual"
        f"   {_join_given('change.after', given)}"
        f"   WHERE {condition} OFFSET 0"
        "  ) AS suspects CROSS JOIN LATERAL"
        f"  (SELECT stored FROM {changes.table} AS stored WHERE stored.organization_id = suspects.organization_id"
        "   AND stored.id = record_id OFFSET 0) AS found(record)"
        " OFFSET 0) AS compared CROSS JOIN LATERAL ("
        '  SELECT array_agg(key ORDER BY key) AS fields, jsonb_object_agg(key, value) AS "then",'
        "   jsonb_object_agg(key, record -> key) AS now"
        "  FROM jsonb_each(expected) WHERE value IS DISTINCT FROM record -> key"
        ") AS differing WHERE fields IS NOT NULL"
    )
    usual = json_text(expected)
    return Query(sql, [usual, sorted(ignored), *records.parameters, usual])


def select_edited_updated(changes: Changes) -> Query | None:
    """Updated records that have another value in a column which the import changed; ``None`` if it cannot be."""
    columns = changes.columns
    given = _typed(columns, changes.mentioned & columns.keys() - changes.importable.ignored_columns)
    if not given:
        return None
    compared = {
        name: (f"nullif(to_jsonb(given.{column}), 'null')", f"nullif(to_jsonb(record.{column}), 'null')")
        for name, column in zip(given, map(quote, given), strict=True)
    }
    differs = [
        f"change.after ? {literal(name)} AND {then} IS DISTINCT FROM {now}" for name, (then, now) in compared.items()
    ]
    pairs = ", ".join(f"({literal(name)}, {then}, {now})" for name, (then, now) in compared.items())
    records = changes.from_records()
    sql = (
        f'SELECT place, record_id, row, fields, "then", now, {_NO_REFERRERS} {records.sql}'
        f" {_join_given('change.after', given)}"
        " CROSS JOIN LATERAL ("
        '  SELECT array_agg(name ORDER BY name) AS fields, jsonb_object_agg(name, was) AS "then",'
        "   jsonb_object_agg(name, is_now) AS now"
        f"  FROM (VALUES {pairs}) AS pair(name, was, is_now)"
        "  WHERE change.after ? name AND was IS DISTINCT FROM is_now OFFSET 0"
        f") AS differing WHERE ({' OR '.join(differs)})"
    )
    return Query(sql, records.parameters)


def select_gone_columns(changes: Changes) -> Query | None:
    """Records of whose values some are of columns that the table does not have; ``None`` if it has them all."""
    columns = changes.columns
    shared = _read_shared_values(changes) if changes.action == CREATED else {}
    gone = sorted((changes.mentioned | shared.keys()) - columns.keys())
    if not gone:
        return None
    records = changes.from_records("SELECT id")
    sql = (
        f"SELECT place, record_id, row, fields, \"then\", '{{}}'::jsonb AS now, {_NO_REFERRERS} {records.sql}"
        " CROSS JOIN LATERAL ("
        '  SELECT array_agg(key ORDER BY key) AS fields, jsonb_object_agg(key, value) AS "then"'
        "  FROM jsonb_each(%s::jsonb || coalesce(change.before, '{}') || change.after) WHERE key = ANY(%s) OFFSET 0"
        ") AS lost WHERE fields IS NOT NULL"
    )
    return Query(sql, [*records.parameters, json_text(shared), gone])


def _expected_values(changes: Changes) -> dict[str, Any]:
    """The values that a created record got in columns that its row does not have, as far as they are known."""
    importable = changes.importable
    defaults = {
        str(field.column): field.get_default()
        for field in (*importable.fields, *importable.other_fields)
        if not has_computed_default(field)
    }
    return defaults | _read_shared_values(changes)


def _read_shared_values(changes: Changes) -> dict[str, Any]:
    """The values that all records of the type got alike from the import, by column of the table."""
    shared = read_shared_values(organization_id=changes.organization_id, import_id=changes.import_id)
    return shared.get(changes.importable.name, {})


def _typed(columns: Mapping[str, TableColumn], names: Iterable[str]) -> dict[str, str]:
    """The types of these columns."""
    return {name: columns[name].type for name in sorted(names)}


def _join_given(values: str, given: Mapping[str, str]) -> str:
    """``given``: the values that a change has of these columns, as the table's own types."""
    described = ", ".join(f"{quote(name)} {type_}" for name, type_ in given.items())
    return f"CROSS JOIN LATERAL jsonb_to_record({values}) AS given({described})" if given else ""


def _seems_edited(
    columns: Mapping[str, TableColumn], given: Mapping[str, str], expected: Mapping[str, Any], ignored: set[str]
) -> str:
    """A condition that costs little and holds for every created record that was edited, and for few others.

    Of a ``record`` it compares each column with what the row gave, or else what is usual.
    """
    alike = []
    for name in sorted((given.keys() | expected.keys()) & columns.keys() - ignored):
        column = quote(name)
        sources = [f"given.{column}"] if name in given else []
        sources.append(f"usual.{column}" if name in expected else f"record.{column}")
        alike.append(f"record.{column} IS NOT DISTINCT FROM coalesce({', '.join(sources)})")
    return f"({' AND '.join(alike) or 'true'}) IS NOT TRUE"
