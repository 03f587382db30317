"""Row errors with the values of their cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from importsvc.engine.errors import RowError
from importsvc.engine.parse.rows import name_unknown
from importsvc.engine.schema.importable import normalize_header
from importsvc.text.display import describe_value

_NOTHING = object()


class CellProblem(NamedTuple):
    """A row error (see ``RowError``) with its type and the value of the cell; ``None`` if the row does not have it.

    ``text`` is the value as text, JSON unless it is a string; empty if the row does not have it.
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
    """Each error of these rows with its cell; the arguments are those of ``OnErrors``."""
    for error in errors:
        value = _find_value(rows[error.row - first_row], error.column)
        text = "" if value is _NOTHING else describe_value(value)
        value = None if value is _NOTHING else value
        yield CellProblem(type_name, error.row, error.column, value, text, error.message)


def _find_value(row: Any, column: str | None) -> Any:
    """The value of a column in a row, whose header may have another spelling; a list if several headers name it."""
    if column is None or not isinstance(row, dict):
        return row
    wanted = normalize_header(column)
    values = [
        value for header, value in row.items() if normalize_header(header) == wanted or name_unknown(header) == column
    ]
    return values[0] if len(values) == 1 else values or _NOTHING
