"""Row errors together with the cells that they are about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from importsvc.engine.errors import RowError
from importsvc.engine.parse.rows import name_unknown
from importsvc.engine.schema.importable import normalize_header
from importsvc.text.display import describe_value

_NOTHING = object()


class CellProblem(NamedTuple):
    """One thing wrong with one cell, or with a row as a whole.

    Attributes:
        type: the name of the importable.
        row: counted from 1 within its type.
        column: null for the row as a whole.
        value: what the row has there: null if it has nothing.
        text: the value in words: empty if the row has nothing there, and JSON of all but text.
        message: what is wrong.
    """

    type: str
    row: int
    column: str | None
    value: Any
    text: str
    message: str


def find_cells(
    type_name: str, first_row: int, rows: Sequence[Any], errors: Sequence[RowError]
) -> Iterator[CellProblem]:
    """Each error of these rows with its cell; takes what ``OnErrors`` is told."""
    for error in errors:
        value = _find_value(rows[error.row - first_row], error.column)
        text = "" if value is _NOTHING else describe_value(value)
        value = None if value is _NOTHING else value
        yield CellProblem(type_name, error.row, error.column, value, text, error.message)


def _find_value(row: Any, column: str | None) -> Any:
    """What a row says of a column, under whatever header; a list if it says something under several."""
    if column is None or not isinstance(row, dict):
        return row
    wanted = normalize_header(column)
    values = [
        value for header, value in row.items() if normalize_header(header) == wanted or name_unknown(header) == column
    ]
    return values[0] if len(values) == 1 else values or _NOTHING
