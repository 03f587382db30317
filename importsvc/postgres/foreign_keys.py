"""What may refer to a record, and what a record may refer to: the foreign keys to and in its table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.db import connection
from django.db.models import ForeignObject, ForeignObjectRel, Model

from importsvc.postgres.catalog import quote, read_columns
from importsvc.postgres.statement_keys import find_statement_keys

# The columns of a key, and those that they refer to.
_KEY_COLUMNS = """
    ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS key (number, position)
          JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY position),
    ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS key (number, position)
          JOIN pg_attribute ON attrelid = confrelid AND attnum = number ORDER BY position)
"""

# About how many rows a table has at most.
_ROWS = "CASE WHEN reltuples < 0 THEN pg_relation_size(pg_class.oid) / 32 ELSE reltuples END"


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key to a table.

    Attributes:
        table: that the key is in, quoted for SQL.
        columns: pairs of a column of that table and the column that it refers to.
        model: of that table; ``None`` if Django does not know it.
        rows: about how many the table has at most; ``None`` if nobody knows.
        deferred: its name, quoted for SQL, if it is checked at the end of a transaction.
    """

    table: str
    columns: tuple[tuple[str, str], ...]
    model: type[Model] | None
    rows: float | None = field(default=None, compare=False)
    deferred: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class ReferredKey:
    """A foreign key, seen from the table that it is in.

    Attributes:
        table: that the key refers to, quoted for SQL.
        columns: pairs of a column of the key and the column that it refers to.
    """

    table: str
    columns: tuple[tuple[str, str], ...]


def find_foreign_keys(model: type[Model]) -> list[ForeignKey]:
    """Every foreign key to a model's table: those PostgreSQL holds, whoever made them, and those only Django knows."""
    held = [*_find_in_database(model), *_find_in_constraints(model)]
    columns_held = {(key.model, column) for key in held for column, _ in key.columns}
    return held + [
        key
        for key in _find_in_models(model)
        if (key.model, key.columns[0][0]) not in columns_held and _has_columns(key.model, key.columns)
    ]


def _find_in_database(model: type[Model]) -> Iterator[ForeignKey]:
    models = {other._meta.db_table: other._meta.concrete_model for other in apps.get_models(include_auto_created=True)}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT CASE WHEN pg_table_is_visible(conrelid) THEN relname END, conrelid::regclass::text,
                   {_KEY_COLUMNS}, {_ROWS},
                   CASE WHEN condeferred THEN format('%%s.%%I', connamespace::regnamespace, conname) END
            FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
            WHERE contype = 'f' AND confrelid = %s::regclass AND conparentid = 0 ORDER BY relname, conname
            """,
            [quote(model._meta.db_table)],
        )
        for name, table, columns, referred, rows, deferred in cursor:
            yield ForeignKey(table, tuple(zip(columns, referred, strict=True)), models.get(name), rows, deferred)


def _find_in_constraints(model: type[Model]) -> Iterator[ForeignKey]:
    keys = [
        (quote(other._meta.db_table), key.get_columns(other), other)
        for other, key in find_statement_keys()
        if key.get_referred(other) is model
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_ROWS}, ARRAY("
            "  SELECT attname::text FROM pg_attribute WHERE attrelid = table_id AND attnum > 0 AND NOT attisdropped"
            ") FROM unnest(%s::regclass[]) WITH ORDINALITY AS named (table_id, position)"
            " JOIN pg_class ON oid = table_id ORDER BY position",
            [[table for table, _, _ in keys]],
        )
        for (table, columns, other), (rows, names) in zip(keys, cursor, strict=True):
            if {own for own, _ in columns} <= set(names):  # a model may know some that were dropped since
                yield ForeignKey(table, columns, other, rows)


def _find_in_models(model: type[Model]) -> Iterator[ForeignKey]:
    for relation in model._meta.get_fields(include_hidden=True):
        # A many-to-many relation is the hidden foreign key of the table between.
        if isinstance(relation, ForeignObjectRel) and relation.field.concrete and not relation.many_to_many:
            other: type[Model] = relation.field.model
            columns = tuple((str(own.column), str(there.column)) for own, there in relation.field.related_fields)
            yield ForeignKey(quote(other._meta.db_table), columns, other)


def find_referred_keys(model: type[Model]) -> list[ReferredKey]:
    """Every foreign key in a model's table: those PostgreSQL holds, and those only Django knows."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT confrelid::regclass::text, {_KEY_COLUMNS} FROM pg_constraint
            WHERE contype = 'f' AND conrelid = %s::regclass AND conparentid = 0 ORDER BY conname
            """,
            [quote(model._meta.db_table)],
        )
        held = [ReferredKey(table, tuple(zip(columns, referred, strict=True))) for table, columns, referred in cursor]
    declared = [
        ReferredKey(quote(key.get_referred(other)._meta.db_table), key.get_columns(other))
        for other, key in find_statement_keys()
        if other is model
    ]
    columns_held = {column for key in (*held, *declared) for column, _ in key.columns}
    known = [
        ReferredKey(
            quote(relation.related_model._meta.db_table),
            tuple((str(own.column), str(there.column)) for own, there in relation.related_fields),
        )
        for relation in model._meta.concrete_fields
        if isinstance(relation, ForeignObject) and relation.column not in columns_held
    ]
    return held + [key for key in (*declared, *known) if _has_columns(model, key.columns)]


def _has_columns(model: type[Model] | None, columns: tuple[tuple[str, str], ...]) -> bool:
    """Whether the model's table has the columns of the key; a model may know some that were dropped since."""
    return model is None or read_columns(model).keys() >= {column for column, _ in columns}
