"""Turns submitted rows into columns of clean values, and finds the errors of the rows themselves. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from importsvc.engine.errors import Code, RowError, label
from importsvc.engine.parse import cells
from importsvc.engine.parse.columns import clean_column
from importsvc.engine.schema.importable import Importable, normalize_header
from importsvc.text.display import printable
from importsvc.text.strict_json import AmbiguousObject

# The unknown columns of a type that are reported; further headers are counted: a row may have megabytes of them.
NAMED_HEADERS = 1_000


class CleanChunk:
    """Consecutive rows of one type, by column. A blank or refused cell is ``None``.

    Attributes:
        importable: the type.
        rows: the numbers of the rows, in ascending order.
        deleted: the numbers of the deleted rows among them.
        columns: for each column and reference of the type the clean value of each row.
        nulls: by position the indexes of the rows with an explicit null; only collected if rows may match records.
        errors: the errors of the rows themselves, unordered.
        with_unknown: the numbers of the rows with unknown columns; the errors have only the first row of each column.
        unknown_columns: the first row of the chunk with each unknown column; at most ``NAMED_HEADERS``.
        uncounted: the number of unknown headers that are not compared with those of other rows, nor among the errors.
    """

    def __init__(self, importable: Importable, rows: Sequence[int], deleted: Collection[int] = ()) -> None:
        width = len(importable.column_names)
        self.importable = importable
        self.rows = rows
        self.deleted = deleted
        self.columns: list[Sequence[Any]] = [(None,) * len(rows)] * width
        self.nulls: dict[int, set[int]] = {}
        self.errors: list[RowError] = []
        self.with_unknown: set[int] = set()
        self.unknown_columns: dict[str, int] = {}
        self.uncounted = 0
        self._refused: set[tuple[int, int]] = set()

    @property
    def row_count(self) -> int:
        """The number of rows."""
        return len(self.rows)

    def refuse(self, index: int, position: int, why: str, code: Code) -> None:
        """Add an error for a cell. If the cell is blank, ``require`` adds no second one."""
        name = self.importable.column_names[position]
        self._refused.add((index, position))
        self.errors.append(RowError(self.rows[index], name, f"{label(name)} {why}", code))

    def excuse(self, index: int, positions: Iterable[int]) -> None:
        """Let ``require`` add no errors for these cells of a row, because the row has another error."""
        self._refused.update((index, position) for position in positions)

    def require(
        self, positions: Iterable[int], *, matched: Collection[int] = (), ignored: Collection[int] = ()
    ) -> None:
        """Add errors for the blank cells of required columns. Rows that match a record may leave such a column out.

        Args:
            positions: of the required columns.
            matched: the numbers of the rows that match a record; an explicit null in them is an error.
            ignored: the numbers of the rows that are not written.
        """
        for position in positions:
            column = self.columns[position]
            if None not in column:
                continue
            nulls = self.nulls.get(position, ())
            for index, (row, value) in enumerate(zip(self.rows, column, strict=True)):
                may_be_blank = row in ignored or (row in matched and index not in nulls)
                if (
                    value is None
                    and not may_be_blank
                    and row not in self.deleted
                    and (index, position) not in self._refused
                ):
                    self.refuse(index, position, "can't be blank", Code.BLANK)


class RowCleaner:
    """Cleans the rows of one type, chunk by chunk.

    Attributes:
        unknown_columns: the first row that has each unknown column, by its name in row errors.
    """

    def __init__(
        self, importable: Importable, *, may_match: bool = False, unknown_columns: Mapping[str, int] | None = None
    ) -> None:
        """Clean rows of this type.

        Args:
            importable: the type.
            may_match: whether rows may match existing records and leave required columns out. ``clean`` then does not
                check required columns: the planner calls ``CleanChunk.require`` after matching.
            unknown_columns: those that are known from rows that this object does not clean.
        """
        self.unknown_columns = dict(unknown_columns or {})
        self.importable = importable
        self._may_match = may_match
        self._cleaners = [column.clean for column in importable.columns] + [cells.text] * len(importable.references)
        self._positions: dict[str, int | None] = {}

    def clean(
        self,
        rows: Sequence[Any],
        *,
        first_row: int = 1,
        numbers: Sequence[int] | None = None,
        deleted: Collection[int] = (),
    ) -> CleanChunk:
        """Clean rows, which may be any JSON values (contract, section 2.5).

        Args:
            rows: of the type.
            first_row: the number of the first of consecutive rows.
            numbers: of rows that are not consecutive, in ascending order.
            deleted: the numbers of the deleted rows among them, for which there is ``{}``.
        """
        if numbers is None:
            numbers = range(first_row, first_row + len(rows))
        chunk = CleanChunk(self.importable, numbers, deleted)
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
                chunk.refuse(index, position, str(problem), problem.code)
        if not self._may_match:
            chunk.require(self.importable.required_positions)
        return chunk

    def _find_headers(self, rows: Sequence[Any]) -> Mapping[int, str] | None:
        """The header of each column, if all rows are objects and name each column by at most one header."""
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
                number = chunk.rows[index]
                chunk.errors.append(RowError(number, None, "Row must be an object", Code.ROW_NOT_AN_OBJECT))
                chunk.excuse(index, self.importable.required_positions)

    def _read_row(self, chunk: CleanChunk, columns: list[list[Any]], index: int, row: dict[str, Any]) -> None:
        given: set[int] = set()
        repeated: set[int] = set()
        unknown: list[str] = []
        if isinstance(row, AmbiguousObject):
            repeated.update(found for found in map(self._find_position, row.repeated) if found is not None)
        for header, cell in row.items():
            position = self._find_position(header)
            if position is None:
                unknown.append(header)
            elif position in given:
                repeated.add(position)
            else:
                given.add(position)
                columns[position][index] = cell
                if cell is None and self._may_match:
                    chunk.nulls.setdefault(position, set()).add(index)
        if unknown:
            chunk.with_unknown.add(chunk.rows[index])
            self._refuse_headers(chunk, chunk.rows[index], unknown)
        for position in repeated:
            columns[position][index] = None
            chunk.refuse(index, position, "is given more than once", Code.GIVEN_TWICE)

    def _refuse_headers(self, chunk: CleanChunk, row: int, headers: Sequence[str]) -> None:
        """Add an error for each header of an unknown column that no earlier row has."""
        for header in headers:
            column = name_unknown(header)
            if len(chunk.unknown_columns) < NAMED_HEADERS:
                chunk.unknown_columns.setdefault(column, row)
            if column not in self.unknown_columns:
                if len(self.unknown_columns) >= NAMED_HEADERS:
                    chunk.uncounted += 1
                    continue
                self.unknown_columns[column] = row
            if self.unknown_columns[column] == row:
                named = label(column) or "A blank header"
                message = f"{named} is not a column of {self.importable.name}"
                chunk.errors.append(RowError(row, column, message, Code.UNKNOWN_COLUMN))

    def _find_position(self, header: str) -> int | None:
        """The position of the column that a header names. Rows repeat their headers, so some are cached."""
        try:
            return self._positions[header]
        except KeyError:
            position = self.importable.headers.get(normalize_header(header))
            if len(self._positions) < NAMED_HEADERS:
                self._positions[header] = position
            return position


def name_unknown(header: str) -> str:
    """The name of an unknown header in row errors."""
    return printable("_".join(header.replace("-", " ").replace("_", " ").split()).lower())
