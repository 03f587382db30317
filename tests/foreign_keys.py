"""The foreign keys that the project's models declare, and the foreign keys of the database."""

from __future__ import annotations

from typing import NamedTuple

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Model

from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint

COMPANY = "person_company_of_same_organization"

KEYS: dict[str, tuple[type[Model], ForeignKeyConstraint]] = {
    constraint.name: (model, constraint)
    for model in apps.get_models(include_auto_created=True)
    for constraint in model._meta.constraints
    if isinstance(constraint, ForeignKeyConstraint)
}


class CatalogKey(NamedTuple):
    """A foreign key as pg_constraint has it."""

    table: str
    columns: tuple[str, ...]
    referred: str
    referred_columns: tuple[str, ...]
    definition: str
    is_validated: bool


def read_keys() -> dict[str, CatalogKey]:
    """The foreign keys of those of the project's own tables that are there, by name."""
    tables = sorted({model._meta.db_table for model, _ in KEYS.values()})
    columns = (
        "ARRAY(SELECT attname::text FROM unnest({key}) WITH ORDINALITY AS key (number, position)"
        " JOIN pg_attribute ON attrelid = {table} AND attnum = number ORDER BY position)"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, conrelid::regclass::text,"
            f" {columns.format(key='conkey', table='conrelid')}, confrelid::regclass::text,"
            f" {columns.format(key='confkey', table='confrelid')}, pg_get_constraintdef(oid), convalidated"
            " FROM pg_constraint WHERE contype = 'f'"
            " AND conrelid IN (SELECT to_regclass(name) FROM unnest(%s) AS name) ORDER BY conname",
            [tables],
        )
        return {
            name: CatalogKey(table, tuple(own), referred, tuple(there), definition, is_validated)
            for name, table, own, referred, there, definition, is_validated in cursor
        }


def drop_key(name: str) -> None:
    """Drop the key in the database."""
    model, key = KEYS[name]
    with connection.schema_editor() as editor:
        editor.remove_constraint(model, key)


def add_key(name: str) -> None:
    """Add the key in the database, if its rows allow it."""
    model, key = KEYS[name]
    with transaction.atomic(), connection.schema_editor() as editor:
        editor.add_constraint(model, key)
