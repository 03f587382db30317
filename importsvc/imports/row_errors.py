"""Row errors together with the cells that they are about, for those who have the rows at hand."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from importsvc.engine.errors import RowError
from importsvc.engine.parse.rows import name_unknown
from importsvc.engine.schema.importable import normalize_header
from importsvc.imports.services.planning import read_rows
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


def find_cells(errors: Mapping[str, Sequence[RowError]], import_data: object) -> Iterator[CellProblem]:
    """Each error with its cell, found by reading the rows once more, some at a time.

    Args:
        errors: of these rows, by type in the order in which the types were submitted, and in row order.
        import_data: the rows that were refused.
    """
    waiting = {name: deque(of_type) for name, of_type in errors.items()}
    first = dict.fromkeys(waiting, 1)
    for name, rows in read_rows(import_data):
        of_type = waiting[name]
        while of_type and of_type[0].row < first[name] + len(rows):
            error = of_type.popleft()
            value = _find_value(rows[error.row - first[name]], error.column)
            text = "" if value is _NOTHING else describe_value(value)
            value = None if value is _NOTHING else value
            yield CellProblem(name, error.row, error.column, value, text, error.message)
        first[name] += len(rows)


def _find_value(row: Any, column: str | None) -> Any:
    """What a row says of a column, under whatever header; a list if it says something under several."""
    if column is None or not isinstance(row, dict):
        return row
    wanted = normalize_header(column)
    values = [
        value for header, value in row.items() if normalize_header(header) == wanted or name_unknown(header) == column
    ]
    return values[0] if len(values) == 1 else values or _NOTHING
