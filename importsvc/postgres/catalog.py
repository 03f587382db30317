"""The columns of a model's table in PostgreSQL's catalog, which may differ from the model's fields."""

from __future__ import annotations

from typing import NamedTuple

from django.db import connection
from django.db.models import Model


class TableColumn(NamedTuple):
    """A column of a table: its SQL type, and whether it is a generated column."""

    type: str
    is_generated: bool


def read_columns(model: type[Model]) -> dict[str, TableColumn]:
    """The columns of the model's table by name, in the order of the table; empty if there is no such table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname::text, format_type(atttypid, atttypmod), attgenerated <> '' FROM pg_attribute"
            " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [connection.ops.quote_name(model._meta.db_table)],
        )
        return {name: TableColumn(*described) for name, *described in cursor}


def quote(name: str) -> str:
    """A name as a quoted identifier in a statement with parameters."""
    return connection.ops.quote_name(name).replace("%", "%%")


def literal(text: str) -> str:
    """A text as a literal in a statement with parameters."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"
