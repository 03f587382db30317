"""Rows as they came to columns of clean values, with everything that is wrong with them by themselves. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from importsvc.engine.errors import RowError, label
from importsvc.engine.parse import cells
from importsvc.engine.parse.columns import clean_column
from importsvc.engine.schema.importable import Importable, normalize_header
from importsvc.text.display import printable
from importsvc.text.strict_json import AmbiguousObject

# Of a single row so many unknown headers are named; the rest is counted. A row may be megabytes of nothing else.
NAMED_HEADERS = 1_000


class CleanChunk:
    """Rows of one type that follow each other, by column. A cell that is blank or refused is ``None``.

    Attributes:
        importable: the type.
        first_row: the number of the first row.
        row_count: how many rows there are.
        columns: for each column and reference of the type the clean value of each row.
        nulls: indexes of the rows that say null explicitly, by position; known only where a row may match a record.
        errors: what is wrong with the rows by themselves, in no order.
        uncounted: how many unknown headers there are that are not among the errors.
    """

    def __init__(self, importable: Importable, first_row: int, row_count: int) -> None:
        width = len(importable.column_names)
        self.importable = importable
        self.first_row = first_row
        self.row_count = row_count
        self.columns: list[Sequence[Any]] = [(None,) * row_count] * width
        self.nulls: dict[int, set[int]] = {}
        self.errors: list[RowError] = []
        self.uncounted = 0
        self._refused: set[tuple[int, int]] = set()

    @property
    def rows(self) -> range:
        """The numbers of the rows."""
        return range(self.first_row, self.first_row + self.row_count)

    def refuse(self, index: int, position: int, why: str) -> None:
        """Note that a cell is wrong, and that it is explained by that if it is blank."""
        name = self.importable.column_names[position]
        self._refused.add((index, position))
        self.errors.append(RowError(self.first_row + index, name, f"{label(name)} {why}"))

    def excuse(self, index: int, positions: Iterable[int]) -> None:
        """Let blank cells of a row be explained by something else that is wrong with it."""
        self._refused.update((index, position) for position in positions)

    def require(
        self, positions: Iterable[int], *, matched: Collection[int] = (), ignored: Collection[int] = ()
    ) -> None:
        """Refuse the blank cells of required columns; rows that match a record may leave such a column out.

        Args:
            positions: of the required columns.
            matched: the numbers of the rows that match a record; an explicit null of theirs is refused nevertheless.
            ignored: the numbers of rows that nothing is written of.
        """
        for position in positions:
            column = self.columns[position]
            if None not in column:
                continue
            nulls = self.nulls.get(position, ())
            for index, (row, value) in enumerate(zip(self.rows, column, strict=True)):
                may_be_blank = row in ignored or (row in matched and index not in nulls)
                if value is None and not may_be_blank and (index, position) not in self._refused:
                    self.refuse(index, position, "can't be blank")


class RowCleaner:
    """Cleans the rows of one type, chunk by chunk."""

    def __init__(self, importable: Importable, *, may_match: bool = False) -> None:
        """With ``may_match`` rows may be about records that exist, and need not say everything of them.

        Then the planner calls ``CleanChunk.require`` when it knows which rows these are.
        """
        self.importable = importable
        self._may_match = may_match
        self._cleaners = [column.clean for column in importable.columns] + [cells.text] * len(importable.references)
        self._positions: dict[str, int | None] = {}

    def clean(self, rows: Sequence[Any], *, first_row: int) -> CleanChunk:
        """The chunk of these rows, whatever JSON they are (contract, section 2.5)."""
        chunk = CleanChunk(self.importable, first_row, len(rows))
        if not rows:
            return chunk
        headers = self._find_headers(rows)
        if headers is None:
            self._read_one_by_one(chunk, rows)
        else:
            self._read_table(chunk, rows, headers)
        for position, clean in enumerate(self._cleaners):
            chunk.columns[position], problems = clean_column(clean, chunk.columns[position])
            for index, problem in problems.items():
                chunk.refuse(index, position, problem)
        if not self._may_match:
            chunk.require(self.importable.required_positions)
        return chunk

    def _find_headers(self, rows: Sequence[Any]) -> Mapping[int, str] | None:
        """The header of each column, if the rows make a table: objects of one header, or none, for each column."""
        if set(map(type, rows)) != {dict}:
            return None
        given = set().union(*rows)
        headers = {self._find_position(header): header for header in given}
        return headers if None not in headers and len(headers) == len(given) else None  # type: ignore[return-value]

    def _read_table(self, chunk: CleanChunk, rows: Sequence[Any], headers: Mapping[int, str]) -> None:
        for position, header in headers.items():
            column = chunk.columns[position] = [row.get(header) for row in rows]
            if self._may_match and None in column:
                chunk.nulls[position] = {index for index, row in enumerate(rows) if row.get(header, "") is None}

    def _read_one_by_one(self, chunk: CleanChunk, rows: Sequence[Any]) -> None:
        columns: list[list[Any]] = [[None] * len(rows) for _ in self._cleaners]
        chunk.columns[:] = columns
        for index, row in enumerate(rows):
            if isinstance(row, dict):
                self._read_row(chunk, columns, index, row)
            else:
                chunk.errors.append(RowError(chunk.first_row + index, None, "Row must be an object"))
                chunk.excuse(index, self.importable.required_positions)

    def _read_row(self, chunk: CleanChunk, columns: list[list[Any]], index: int, row: dict[str, Any]) -> None:
        given: set[int] = set()
        repeated: set[int] = set()
        unknown = 0
        if isinstance(row, AmbiguousObject):
            repeated.update(at for at in map(self._find_position, row.repeated) if at is not None)
        for header, cell in row.items():
            position = self._find_position(header)
            if position is None:
                unknown += 1
                if unknown <= NAMED_HEADERS:
                    self._refuse_header(chunk, index, header)
            elif position in given:
                repeated.add(position)
            else:
                given.add(position)
                columns[position][index] = cell
                if cell is None and self._may_match:
                    chunk.nulls.setdefault(position, set()).add(index)
        chunk.uncounted += max(unknown - NAMED_HEADERS, 0)
        for position in repeated:
            columns[position][index] = None
            chunk.refuse(index, position, "is given more than once")

    def _refuse_header(self, chunk: CleanChunk, index: int, header: str) -> None:
        column = name_unknown(header)
        named = label(column) or "A blank header"
        message = f"{named} is not a column of {self.importable.name}"
        chunk.errors.append(RowError(chunk.first_row + index, column, message))

    def _find_position(self, header: str) -> int | None:
        """The position of the column that a header names; files repeat their headers, so some are remembered."""
        try:
            return self._positions[header]
        except KeyError:
            position = self.importable.headers.get(normalize_header(header))
            if len(self._positions) < NAMED_HEADERS:
                self._positions[header] = position
            return position


def name_unknown(header: str) -> str:
    """What row errors call a column that no column of the type is, after its header."""
    return printable("_".join(header.replace("-", " ").replace("_", " ").split()).lower())
