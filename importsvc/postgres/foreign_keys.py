"""The foreign keys to and from a model's table in PostgreSQL's catalog, whether models declare them or not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from django.apps import apps
from django.db import connection
from django.db.models import Model

from importsvc.postgres.catalog import quote
from importsvc.postgres.foreign_key_constraint import find_cascading_key

# The columns of a key, and those that they refer to.
_KEY_COLUMNS = """
    ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS key (number, position)
          JOIN pg_attribute ON attrelid = conrelid AND attnum = number ORDER BY position),
    ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS key (number, position)
          JOIN pg_attribute ON attrelid = confrelid AND attnum = number ORDER BY position)
"""

# All foreign keys, without the copies that the partitions of a partitioned table have.
_KEYS = "FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid WHERE contype = 'f' AND conparentid = 0"


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key to a table. ``rows`` estimates the rows of the table with the key, rather too high than too low."""

    table: str  # that the key is in, quoted for SQL
    columns: tuple[tuple[str, str], ...]  # pairs of a column of that table and the column that it refers to
    model: type[Model] | None  # of that table, if there is one
    rows: float = field(default=0, compare=False)


class ReferredKey(NamedTuple):
    """A foreign key, seen from the table that it is in: the table that it refers to, and the columns as above."""

    table: str
    columns: tuple[tuple[str, str], ...]


def find_foreign_keys(model: type[Model]) -> list[ForeignKey]:
    """Every foreign key to the model's table.

    In place of a key of a model whose rows go with those of this one are the keys to that model, as if they referred to
    this one.
    """
    keys: list[ForeignKey] = []
    for key in find_direct_keys(model):
        if key.model is None or find_cascading_key(key.model) is None:
            keys.append(key)
            continue
        referred = dict(key.columns)
        for further in find_foreign_keys(key.model):
            columns = tuple((column, referred[through]) for column, through in further.columns)
            keys.append(replace(further, columns=columns))
    return sorted(keys, key=lambda key: key.table)


def find_direct_keys(model: type[Model]) -> list[ForeignKey]:
    """Every foreign key that refers to the model's table itself: those that PostgreSQL checks."""
    models = {other._meta.db_table: other._meta.concrete_model for other in apps.get_models(include_auto_created=True)}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT CASE WHEN pg_table_is_visible(conrelid) THEN relname END, conrelid::regclass::text,
                   {_KEY_COLUMNS},
                   CASE WHEN reltuples < 0 THEN pg_relation_size(pg_class.oid) / 32 ELSE reltuples END
            {_KEYS} AND confrelid = %s::regclass ORDER BY relname, conname
            """,
            [quote(model._meta.db_table)],
        )
        return [
            ForeignKey(table, tuple(zip(columns, referred, strict=True)), models.get(name), rows)
            for name, table, columns, referred, rows in cursor
        ]


def find_referred_keys(model: type[Model]) -> list[ReferredKey]:
    """Every foreign key in the model's table."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT confrelid::regclass::text, {_KEY_COLUMNS} {_KEYS} AND conrelid = %s::regclass ORDER BY conname",
            [quote(model._meta.db_table)],
        )
        return [ReferredKey(table, tuple(zip(columns, referred, strict=True))) for table, columns, referred in cursor]
