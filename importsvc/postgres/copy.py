"""PostgreSQL's text formats: rows for COPY, literals for arrays and JSON (PostgreSQL manual, COPY, "Text Format")."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.db import IntegrityError, InternalError, connection
from django.db.models import JSONField

if TYPE_CHECKING:
    from django.db.models import Field

LINES_AT_ONCE = 100

# SQLSTATE of errors without another one, from appendix A of PostgreSQL's manual.
_INTERNAL_ERROR = "XX000"

NULL = r"\N"
_JSON = json.JSONEncoder(ensure_ascii=False, default=str)


class RefusedByNode(IntegrityError):
    """A node of a cluster refused a row of COPY: in all likelihood by a constraint.

    Citus passes the message of the node on, without its SQLSTATE.
    """


def copy_rows(
    table: str,
    columns: Sequence[str],
    lines: Iterable[str],
    *,
    lines_at_once: int = LINES_AT_ONCE,
    meanwhile: Callable[[], object] = lambda: None,
) -> None:
    """Stream lines of COPY text, each with its newline, into a table. The caller owns the transaction.

    Args:
        table: the name of the table.
        columns: the names of the columns that the lines fill.
        lines: the rows.
        lines_at_once: so many are put together before they are sent: fewer than usual if they are long.
        meanwhile: called when all lines are sent and PostgreSQL still inserts them. It cannot use the connection.

    Raises:
        django.db.DatabaseError: PostgreSQL refuses a row; the transaction is then unusable.
        RefusedByNode: a node of a cluster does.
    """
    quote = connection.ops.quote_name
    statement = f"COPY {quote(table)} ({', '.join(map(quote, columns))}) FROM STDIN"
    try:
        with connection.cursor() as cursor, connection.wrap_database_errors:
            cursor.cursor.copy_expert(statement, _Stream(iter(lines), lines_at_once, meanwhile))
    except InternalError as error:
        if getattr(error.__cause__, "pgcode", None) != _INTERNAL_ERROR:
            raise
        raise RefusedByNode(str(error)) from error


def encoder(field: Field[Any, Any]) -> Callable[[Any], str]:
    """What turns values of this model field into cells of COPY text."""
    to_text = _to_text(field)
    return lambda value: cell(None if value is None else to_text(value))


def column_encoder(field: Field[Any, Any], *, null: str) -> Callable[[Sequence[Any]], Sequence[str]]:
    """What turns a column of values of this model field into cells of COPY text, with ``null`` for ``None``."""
    to_text = _to_text(field)

    def encode(values: Sequence[Any]) -> Sequence[str]:
        if None in values:
            if values.count(None) == len(values):
                return [null] * len(values)
            return [null if value is None else cell(to_text(value)) for value in values]
        texts = list(map(to_text, values))
        return texts if _is_plain("".join(texts)) else list(map(cell, texts))

    return encode


def member_encoder(field: Field[Any, Any]) -> Callable[[Sequence[Any]], Sequence[str]]:
    """What turns a column of values into members of JSON objects, ``"name": "Ada"``, as parts of cells of COPY text.

    The member is named as the column of the table; in place of ``None`` is nothing.
    """
    head = f"{cell(json_text(str(field.column)))}: "

    def encode(values: Sequence[Any]) -> Sequence[str]:
        types = set(map(type, values))
        if types == {str} and _is_plain(text := "".join(values)) and '"' not in text:
            return [f'{head}"{value}"' for value in values]
        if types == {int}:
            return [f"{head}{value}" for value in values]
        if types == {type(None)}:
            return [""] * len(values)
        return ["" if value is None else head + cell(json_text(value)) for value in values]

    return encode


def _to_text(field: Field[Any, Any]) -> Callable[[Any], str]:
    return json_text if isinstance(field, JSONField) else array_literal if isinstance(field, ArrayField) else str


def _is_plain(text: str) -> bool:
    """Whether neither COPY nor, but for quotes, JSON has another way to write this."""
    return "\\" not in text and text.isprintable()


def cell(text: str | None) -> str:
    """Text as a cell of COPY text; ``None`` is SQL's null."""
    if text is None:
        return NULL
    return text.replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")


def bytea_cell(content: bytes) -> str:
    """Bytes as a cell of COPY text."""
    return rf"\\x{content.hex()}"


def json_text(value: Any) -> str:
    """A value as JSON. What JSON has no form for, decimals and dates among it, is text that PostgreSQL reads."""
    return _JSON.encode(value)


def array_literal(values: Sequence[str]) -> str:
    """A PostgreSQL array literal of text: one parameter, however long the list."""
    joined = '","'.join(values)
    if values and "\\" not in joined and joined.count('"') == 2 * len(values) - 2:
        return f'{{"{joined}"}}'
    quoted = (value.replace("\\", r"\\").replace('"', r"\"") for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


class _Stream(io.TextIOBase):
    """Lines as the file that psycopg2 reads from, made while it reads: the whole text is never held.

    psycopg2 sends whatever a read returns, more than it asked for too.
    """

    def __init__(self, lines: Iterator[str], lines_at_once: int, meanwhile: Callable[[], object]) -> None:
        self.lines = lines
        self.lines_at_once = lines_at_once
        self.meanwhile = meanwhile

    def read(self, size: int | None = -1, /) -> str:
        text = "".join(islice(self.lines, self.lines_at_once))
        if not text:
            self.meanwhile()
        return text
