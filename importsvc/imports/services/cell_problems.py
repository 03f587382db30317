"""Row errors with the values of their cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from importsvc.engine.errors import RowError
from importsvc.engine.parse.cells import UNREADABLE, is_unreadable
from importsvc.engine.parse.chunks import RowChunk
from importsvc.engine.parse.rows import name_unknown
from importsvc.engine.schema.importable import normalize_header
from importsvc.text.display import describe_value

# In place of a cell that a row does not have.
NO_CELL = object()


class CellProblem(NamedTuple):
    """A row error (see ``RowError``) with its type and the value of the cell; ``None`` if the row does not have it.

    ``text`` is the value as text, JSON unless it is a string; empty if the row does not have it. ``line`` and ``sheet``
    are the place of the row in the file that it comes from: ``None`` and empty without one.
    """

    type: str
    row: int
    column: str | None
    value: Any
    text: str
    message: str
    line: int | None = None
    sheet: str = ""


def find_cells(chunk: RowChunk, rows: Sequence[Any], errors: Sequence[RowError]) -> Iterator[CellProblem]:
    """Each error of these rows with its cell; the arguments are those of ``OnErrors``."""
    for error in errors:
        index = error.row - chunk.first_row
        _, value = find_cell(rows[index], error.column)
        yield CellProblem(
            type=chunk.type_name,
            row=error.row,
            column=error.column,
            value=None if value is NO_CELL else value,
            text="" if value is NO_CELL else describe_cell(value),
            message=error.message,
            line=None if chunk.lines is None else chunk.lines[index],
            sheet=chunk.sheet,
        )


def describe_cell(value: Any) -> str:
    """A cell as text; of one that its file could not give, the text in the file."""
    return str(value[UNREADABLE]) if is_unreadable(value) else describe_value(value)


def find_cell(row: Any, column: str | None) -> tuple[str | None, Any]:
    """The header and the value of a column in a row, whose header may have another spelling.

    If several headers name the column, they are the first of them and a list of the values. Without a cell the header
    is ``None`` and the value ``NO_CELL``; without a column, the value is the row.
    """
    if column is None or not isinstance(row, dict):
        return None, row
    cells = {header: value for header, value in row.items() if is_named(header, column)}
    values = list(cells.values())
    return next(iter(cells), None), values[0] if len(values) == 1 else values or NO_CELL


# Rows repeat their headers.
@lru_cache(maxsize=4_096)
def is_named(header: str, column: str) -> bool:
    """Whether the header names this column, which may be unknown."""
    return normalize_header(header) == normalize_header(column) or name_unknown(header) == column
