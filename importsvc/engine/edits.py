"""Records that are not as an import left them, and values that cannot be brought back: statements that find them.

Both sides of each comparison are values of the table's own types, so that 1.5 and 1.50, or two spellings of a date, are
the same. So are the null of SQL and that of JSON. What moves by itself (``Importable.volatile``) is nobody's edit.
"""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import JSONField

from importsvc.engine.copying import array_literal, json_text
from importsvc.engine.entries import Entries
from importsvc.engine.importable import Importable, has_computed_default
from importsvc.engine.statements import Statement
from importsvc.journal import UPDATED, read_shared_values


def find_edited_created(entries: Entries) -> Statement:
    """Created records that are not as the journal says, and in all else as the model's defaults say.

    What neither the journal nor the model can tell is taken as it is.
    """
    importable = entries.importable
    defaults = {
        field.column: field.get_default()
        for field in (*importable.fields, *importable.other_fields)
        if not has_computed_default(field)
    }
    expected = json_text(defaults | read_shared_values(entries.import_id).get(importable.name, {}))
    volatile = array_literal(sorted(_volatile_columns(importable)))
    return Statement(
        'SELECT record_id, row, fields, "then", "now", NULL::bigint AS first_id FROM ('
        "  SELECT record_id, row, to_jsonb(record) AS has, to_jsonb(expected) AS wants FROM ("
        "    SELECT record_id, row, record, jsonb_populate_record(record, %s::jsonb || after) AS expected FROM ("
        "      SELECT change.record_id, change.row, change.after"
        f"     {entries.source_with_records()}"
        f"     CROSS JOIN jsonb_populate_record(NULL::{entries.table}, %s) AS usual"
        f"     CROSS JOIN jsonb_to_record(change.after) AS given({_describe_columns(importable)})"
        f"     WHERE {_seems_edited(importable)} OFFSET 0"
        "    ) AS suspects CROSS JOIN LATERAL"
        f"    (SELECT stored FROM {entries.table} AS stored WHERE stored.id = record_id OFFSET 0) AS found(record)"
        "  ) AS compared"
        ") AS compared CROSS JOIN LATERAL ("
        '  SELECT array_agg(key ORDER BY key) AS fields, jsonb_object_agg(key, value) AS "then",'
        '    jsonb_object_agg(key, has -> key) AS "now"'
        "  FROM jsonb_each(wants - %s::text[]) WHERE value IS DISTINCT FROM has -> key"
        ") AS differing WHERE fields IS NOT NULL",
        [expected, *entries.parameters, expected, volatile],
    )


def find_edited_updated(entries: Entries) -> Statement | None:
    """Updated records that do not have the values any more that the import gave them; ``None`` if it gave none."""
    fields = find_changed_fields(entries)
    if not fields:
        return None
    quote = connection.ops.quote_name
    types = ", ".join(f"{quote(str(each.column))} {each.db_type(connection)}" for each in fields)
    edited = ", ".join(_name_if_edited(each) for each in fields)
    return Statement(
        'SELECT record_id, row, fields, "then", "now", NULL::bigint AS first_id FROM ('
        f"  SELECT change.record_id, change.row, change.after, record, array_remove(ARRAY[{edited}], NULL) AS fields"
        f"  {entries.source()} CROSS JOIN LATERAL"
        f"  (SELECT record FROM {entries.table} AS record WHERE record.id = change.record_id OFFSET 0) AS found(record)"
        f"  CROSS JOIN LATERAL jsonb_to_record(change.after) AS given({types}) OFFSET 0"
        ") AS compared CROSS JOIN LATERAL ("
        '  SELECT jsonb_object_agg(key, after -> key) AS "then", jsonb_object_agg(key, to_jsonb(record) -> key) AS'
        '    "now" FROM unnest(fields) AS key'
        ") AS differing WHERE fields <> '{}'",
        entries.parameters,
    )


def find_missing_targets(entries: Entries) -> Statement | None:
    """Updated records that referred to records which are gone; ``None`` if no reference was changed."""
    references = [field for field in find_changed_fields(entries) if field.is_relation]
    if not references:
        return None
    quote = connection.ops.quote_name
    names = ", ".join(
        f"CASE WHEN change.before ->> '{field.column}' IS NOT NULL AND NOT EXISTS ("
        f"SELECT FROM {quote(field.related_model._meta.db_table)} AS target"
        f" WHERE target.{quote(str(field.target_field.column))} = (change.before ->> '{field.column}')"
        f"::{field.target_field.rel_db_type(connection)}) THEN '{field.column}' END"
        for field in references
    )
    return Statement(
        'SELECT record_id, row, fields, NULL::jsonb AS "then", NULL::jsonb AS "now", NULL::bigint AS first_id FROM ('
        f"  SELECT change.record_id, change.row, array_remove(ARRAY[{names}]::text[], NULL) AS fields"
        f"  {entries.source_with_records('SELECT id')} OFFSET 0"
        ") AS compared WHERE fields <> '{}'",
        entries.parameters,
    )


def find_missing_columns(entries: Entries) -> Statement:
    """Records whose entries have columns that the model or the table does not have any more."""
    known = array_literal(sorted(find_known_columns(entries.importable)))
    side = "after" if entries.action != UPDATED else "(after || before)"
    return Statement(
        'SELECT change.record_id, change.row, fields, NULL::jsonb AS "then", NULL::jsonb AS "now",'
        f" NULL::bigint AS first_id {entries.source_with_records('SELECT id')} CROSS JOIN LATERAL"
        f" (SELECT array_agg(key ORDER BY key) AS fields FROM jsonb_object_keys({side} - %s::text[]) AS key) AS unknown"
        f" WHERE {side} - %s::text[] <> '{{}}'",
        [*entries.parameters, known, known],
    )


def find_changed_fields(entries: Entries) -> list[Any]:
    """The fields that an import's updates changed, by column; only those that model and table still have."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT jsonb_object_keys(after) {entries.source()}", entries.parameters)
        changed = {name for (name,) in cursor} & find_known_columns(entries.importable)
    fields = [field for field in entries.importable.model._meta.concrete_fields if field.column in changed]
    return sorted(fields, key=lambda field: str(field.column))


def find_known_columns(importable: Importable) -> set[str]:
    """The columns that both the model and the table have."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            [connection.ops.quote_name(importable.model._meta.db_table)],
        )
        stored = {name for (name,) in cursor}
    return stored & {str(field.column) for field in importable.model._meta.concrete_fields}


def _volatile_columns(importable: Importable) -> set[str]:
    return {str(importable.model._meta.get_field(name).column) for name in importable.volatile}  # type: ignore[union-attr]


def _journaled_fields(importable: Importable) -> tuple[Any, ...]:
    """The fields that a journal's ``after`` may have; those that all records have alike only older entries do."""
    computed = filter(has_computed_default, importable.other_fields)
    return (*importable.fields, importable.organization_field, *computed)


def _describe_columns(importable: Importable) -> str:
    """The columns that a journal's ``after`` may have, with their types."""
    quote = connection.ops.quote_name
    fields = _journaled_fields(importable)
    return ", ".join(f"{quote(str(field.column))} {field.db_type(connection)}" for field in fields)


def _seems_edited(importable: Importable) -> str:
    """A condition that costs little and holds for every record that was edited, and for few others.

    Of a ``record`` it compares each column with what the row gave, or else what is usual, or else itself.
    """
    given = _journaled_fields(importable)
    alike = []
    for field in (importable.organization_field, *importable.fields, *importable.other_fields):
        if field.name in importable.volatile:
            continue
        column = connection.ops.quote_name(str(field.column))
        sources = [f"given.{column}"] if field in given else []
        sources.append(f"usual.{column}")
        if has_computed_default(field):
            sources.append(f"record.{column}")
        alike.append(f"record.{column} IS NOT DISTINCT FROM coalesce({', '.join(sources)})")
    return f"({' AND '.join(alike)}) IS NOT TRUE"


def _name_if_edited(field: Any) -> str:
    """SQL for the column's name, if the entry has it and the ``record`` has another value now."""
    name = connection.ops.quote_name(str(field.column))
    now, then = f"(record).{name}", f"given.{name}"
    if isinstance(field, JSONField):
        now, then = f"nullif({now}, 'null')", f"nullif({then}, 'null')"
    return f"CASE WHEN change.after ? '{field.column}' AND {now} IS DISTINCT FROM {then} THEN '{field.column}' END"
