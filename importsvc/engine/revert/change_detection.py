"""Finds records that were changed after an import: whose values differ from the change log or the model's defaults.

Values are compared as the columns' own types: 1.5 and 1.50, or two spellings of a date, are equal. So are SQL null and
JSON null. A value that neither the change log nor the model has counts as unchanged. Ignored fields are not compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from importsvc.changelog.models import CREATED
from importsvc.changelog.selectors import read_shared_values
from importsvc.engine.revert.changes import Changes, Query
from importsvc.engine.schema.importable import has_computed_default
from importsvc.postgres.catalog import TableColumn, literal, quote
from importsvc.postgres.copy import json_text


def select_edited_created(changes: Changes) -> Query:
    """Created records with a column whose value is not the one that the import wrote (see ``Obstacle.query``)."""
    ignored = changes.importable.ignored_columns
    expected = {name: value for name, value in _expected_values(changes).items() if name not in ignored}
    given = _find_given(changes)
    records = changes.from_records(values=True)
    condition = _seems_edited(changes.columns, given, expected, ignored)
    sql = (
        f'SELECT place, record_id, row, fields, "then", now, NULL::bigint AS first FROM ('
        "  SELECT place, record_id, row, to_jsonb(record) AS record, to_jsonb("
        "    jsonb_populate_record(record, (%s::jsonb || after) - %s::text[])"
        "  ) AS expected FROM ("
        "    SELECT change.place, change.record_id, change.row, change.after"
        f"   {records.sql}"
        f"   CROSS JOIN jsonb_populate_record(NULL::{changes.table}, %s) AS usual"
        f"   {_join_given('change.after', given)}"
        f"   WHERE {condition} OFFSET 0"
        "  ) AS suspects CROSS JOIN LATERAL"
        f"  (SELECT stored FROM {changes.table} AS stored WHERE {changes.of_organization('stored')}"
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
    """Updated records with another value in a column that the import changed; ``None`` if it changed none."""
    given = _find_given(changes)
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
    records = changes.from_records(values=True)
    sql = (
        f'SELECT place, record_id, row, fields, "then", now, NULL::bigint AS first {records.sql}'
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
    """Records with values of columns that the table no longer has; ``None`` if it has all columns."""
    columns = changes.columns
    shared = _read_shared_values(changes) if changes.action == CREATED else {}
    gone = sorted((changes.mentioned | shared.keys()) - columns.keys())
    if not gone:
        return None
    records = changes.from_records("SELECT id", values=True)
    sql = (
        f"SELECT place, record_id, row, fields, \"then\", '{{}}'::jsonb AS now, NULL::bigint AS first {records.sql}"
        " CROSS JOIN LATERAL ("
        '  SELECT array_agg(key ORDER BY key) AS fields, jsonb_object_agg(key, value) AS "then"'
        "  FROM jsonb_each(%s::jsonb || coalesce(change.before, '{}') || change.after) WHERE key = ANY(%s) OFFSET 0"
        ") AS lost WHERE fields IS NOT NULL"
    )
    return Query(sql, [*records.parameters, json_text(shared), gone])


def _expected_values(changes: Changes) -> dict[str, Any]:
    """The values that created records have in columns that their rows do not give, as far as they are known."""
    importable = changes.importable
    defaults = {
        str(field.column): field.get_default()
        for field in (*importable.fields, *importable.other_fields)
        if not has_computed_default(field)
    }
    return defaults | _read_shared_values(changes)


def _read_shared_values(changes: Changes) -> dict[str, Any]:
    """The values that the import gave to all records of the type, by column of the table."""
    shared = read_shared_values(organization_id=changes.organization_id, import_id=changes.import_id)
    return shared.get(changes.importable.name, {})


def _find_given(changes: Changes) -> dict[str, str]:
    """The compared columns that occur in the changes, and their types."""
    names = changes.mentioned & changes.columns.keys() - changes.importable.ignored_columns
    return {name: changes.columns[name].type for name in sorted(names)}


def _join_given(values: str, given: Mapping[str, str]) -> str:
    """A join that adds the change's values of these columns as ``given``, in the columns' own types."""
    described = ", ".join(f"{quote(name)} {type_}" for name, type_ in given.items())
    return f"CROSS JOIN LATERAL jsonb_to_record({values}) AS given({described})" if given else ""


def _seems_edited(
    columns: Mapping[str, TableColumn], given: Mapping[str, str], expected: Mapping[str, Any], ignored: set[str]
) -> str:
    """A fast condition that holds for all created records that were edited, and for few records that were not.

    It compares each column of ``record`` with the value that the row gave, otherwise with the one in ``usual``.
    """
    alike = []
    for name in sorted((given.keys() | expected.keys()) & columns.keys() - ignored):
        column = quote(name)
        sources = [f"given.{column}"] if name in given else []
        sources.append(f"usual.{column}" if name in expected else f"record.{column}")
        alike.append(f"record.{column} IS NOT DISTINCT FROM coalesce({', '.join(sources)})")
    return f"({' AND '.join(alike) or 'true'}) IS NOT TRUE"
