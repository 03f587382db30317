"""What the library for workbooks does not tell: rows that are hidden or blank, and cells that need more than a value.

Pure: no Django, no database.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from importsvc.files.reading.number_formats import PaddedFormat
from importsvc.files.reading.tables import Cell, Fault, FileRefused, TableRow

# The rows that a sheet of Excel or LibreOffice can have.
MAX_ROWS = 1_048_576


class SheetRows:
    """The rows that a sheet has, with or without values."""

    def __init__(self) -> None:
        """Start with no row."""
        self._numbers = array("I")
        self._hidden = array("I")

    @property
    def last(self) -> int:
        """The number of the last row that was added; 0 if there is none."""
        return self._numbers[-1] if self._numbers else 0

    def add(self, number: int, *, is_hidden: bool, sheet: str) -> None:
        """Add the next row.

        Raises:
            FileRefused: there are more than ``MAX_ROWS``.
        """
        if number > MAX_ROWS:
            raise refuse_rows(sheet)
        self._numbers.append(number)
        if is_hidden:
            self._hidden.append(number)

    def count_hidden(self, end: int) -> int:
        """How many of the rows up to this one are hidden."""
        return bisect_right(self._hidden, end)

    def count_after(self, end: int) -> int:
        """How many rows come after this one."""
        return len(self._numbers) - bisect_right(self._numbers, end)


class SpecialCell(NamedTuple):
    """A cell whose value is not all of it: an error, a text that is shown, or a number with leading zeros."""

    row: int
    column: int
    content: Fault | str | PaddedFormat


def correct_rows(rows: Iterable[TableRow], cells: Iterator[SpecialCell]) -> Iterator[TableRow]:
    """The rows with the content of special cells. Both come in the order of the sheet."""
    cell = next(cells, None)
    for row in rows:
        while cell and cell.row < row.line:
            cell = next(cells, None)
        if not cell or cell.row > row.line:
            yield row
            continue
        corrected = list(row.cells)
        while cell and cell.row == row.line:
            corrected += [None] * (cell.column - len(corrected))
            corrected[cell.column - 1] = _correct(corrected[cell.column - 1], cell.content)
            cell = next(cells, None)
        yield TableRow(row.line, corrected)


def _correct(value: Cell, content: Fault | str | PaddedFormat) -> Cell:
    if isinstance(content, Fault):
        return content
    is_whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if not is_whole:
        return value
    return content if isinstance(content, str) else content.render(int(value))  # type: ignore[arg-type]


def refuse_rows(sheet: str) -> FileRefused:
    """The refusal of a sheet that has more than ``MAX_ROWS``."""
    detail = f"The sheet '{sheet}' has more than {MAX_ROWS:,} rows. Split it, or save it as .csv."
    return FileRefused("too_many_rows", detail, line=MAX_ROWS + 1, sheet=sheet)
