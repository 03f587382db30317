"""Rows as they came to columns of clean values, with everything that can be seen wrong without the database. Pure.

Rows come in pieces and are taken apart into columns at once; a piece of a column is cleaned when somebody first asks
for it. So what a plan has to know first is clean first, and the rest while PostgreSQL is writing what came before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from importsvc.engine.errors import RowError, label
from importsvc.engine.parse import cells
from importsvc.engine.parse.columns import clean_column
from importsvc.engine.schema.importable import Importable, normalize_header
from importsvc.text.display import printable
from importsvc.text.strict_json import AmbiguousObject


class Piece:
    """Rows that follow each other, by column.

    Attributes:
        first: the number of the first row.
        count: how many rows there are.
        columns: for each column and reference of the type a cell of each row, ``None`` where the row has none.
        is_clean: whether the column holds clean values by now.
        refused: cells that were refused whatever is in them, by index and position.
        nulls: indexes of the rows that say null, and do not just say nothing, by position; noted only where a row may
            be about a record that exists.
    """

    __slots__ = ("columns", "count", "first", "is_clean", "nulls", "refused")

    def __init__(self, *, first: int, count: int, width: int) -> None:
        self.first = first
        self.count = count
        self.columns: list[Sequence[Any]] = [(None,) * count] * width
        self.is_clean = [False] * width
        self.refused: set[tuple[int, int]] = set()
        self.nulls: dict[int, set[int]] = {}

    @property
    def rows(self) -> range:
        """The numbers of the rows."""
        return range(self.first, self.first + self.count)


class CleanRows:
    """The rows of one type. A cell that is blank or refused is ``None``.

    Attributes:
        importable: the type.
        pieces: the rows, in order. Read their columns with ``clean``.
    """

    def __init__(self, importable: Importable, *, after: int = 0, may_match: bool = False) -> None:
        """Without rows at first; the first will be the one after row ``after``.

        With ``may_match`` rows may be about records that exist, of which they need not say everything: whoever knows
        which ones calls ``require``.
        """
        self.importable = importable
        self._may_match = may_match
        self._after = after
        self.pieces: list[Piece] = []
        self._errors: list[RowError] = []
        self._names = importable.column_names
        self._order = {name: position for position, name in enumerate(self._names)}
        self._cleaners = [column.clean for column in importable.columns] + [cells.text] * len(importable.references)
        self._required = {position for position, column in enumerate(importable.columns) if column.required}
        self._positions: dict[str, int | None] = {}

    def __len__(self) -> int:
        """How many rows there are."""
        return self.last - self._after

    @property
    def last(self) -> int:
        """The number of the last row."""
        return self.pieces[-1].first + self.pieces[-1].count - 1 if self.pieces else self._after

    def add(self, rows: Sequence[Any]) -> None:
        """The next rows, whatever JSON they are."""
        if not rows:
            return
        piece = Piece(first=self.last + 1, count=len(rows), width=len(self._names))
        headers = self._find_headers(rows)
        if headers is None:
            self._read_one_by_one(piece, rows)
        else:
            for position, header in headers.items():
                column = piece.columns[position] = [row.get(header) for row in rows]
                if self._may_match and None in column:
                    piece.nulls[position] = {index for index, row in enumerate(rows) if row.get(header, "") is None}
        self.pieces.append(piece)

    def clean(self, piece: Piece, position: int) -> Sequence[Any]:
        """The clean values that a piece's rows have in a column or reference."""
        if not piece.is_clean[position]:
            values, problems = clean_column(self._cleaners[position], piece.columns[position])
            if self._may_match:
                piece.refused.update((index, position) for index in problems)
            elif position in self._required and None in values:
                blank = (index for index, value in enumerate(values) if value is None)
                unexplained = (index for index in blank if (index, position) not in piece.refused)
                problems = dict.fromkeys(unexplained, "can't be blank") | problems
            piece.columns[position] = values
            piece.is_clean[position] = True
            for index, problem in problems.items():
                self._refuse(piece, index, position, problem)
        return piece.columns[position]

    def require(self, piece: Piece, *, matched: Collection[int] = (), ignored: Collection[int] = ()) -> None:
        """Refuse what is blank of a clean piece and may not be; rows that match a record may leave it as it is.

        Args:
            piece: one of these rows'.
            matched: the numbers of the rows that match a record; a null of theirs is refused nevertheless.
            ignored: the numbers of rows that nobody will write.
        """
        for position in self._required:
            nulls = piece.nulls.get(position, ())
            for index, (row, value) in enumerate(zip(piece.rows, piece.columns[position], strict=True)):
                may_be_blank = row in ignored or (row in matched and index not in nulls)
                if value is None and not may_be_blank and (index, position) not in piece.refused:
                    self._refuse(piece, index, position, "can't be blank")

    def column(self, position: int) -> list[Any]:
        """The clean values that all rows have in a column or reference."""
        return [value for piece in self.pieces for value in self.clean(piece, position)]

    @property
    def values(self) -> list[tuple[Any, ...]]:
        """For each row a value for each of the type's columns and references."""
        return list(zip(*map(self.column, range(len(self._names))), strict=True))

    def clean_all(self) -> None:
        """Clean what is not clean yet."""
        for position in range(len(self._names)):
            for piece in self.pieces:
                self.clean(piece, position)

    @property
    def errors(self) -> list[RowError]:
        """Everything that is wrong with the rows as such, in row order."""
        self.clean_all()
        return self.sort(self._errors)

    @property
    def known_errors(self) -> Sequence[RowError]:
        """What was found wrong so far, in no order."""
        return self._errors

    def sort(self, errors: Iterable[RowError]) -> list[RowError]:
        """Errors in row order; of a row, those of unknown columns first, then the others as columns are declared."""
        return sorted(errors, key=lambda error: (error.row, self._order.get(error.column or "", -1)))

    def _find_headers(self, rows: Sequence[Any]) -> Mapping[int, str] | None:
        """The header of each column, if the rows make a table: objects of one header, or none, for each column."""
        if set(map(type, rows)) != {dict}:
            return None
        given = set().union(*rows)
        headers = {self._find_position(header): header for header in given}
        return headers if None not in headers and len(headers) == len(given) else None  # type: ignore[return-value]

    def _read_one_by_one(self, piece: Piece, rows: Sequence[Any]) -> None:
        columns: list[list[Any]] = [[None] * len(rows) for _ in self._names]
        piece.columns[:] = columns
        for index, row in enumerate(rows):
            if not isinstance(row, dict):
                self._errors.append(RowError(piece.first + index, None, "Row must be an object"))
                piece.refused.update((index, position) for position in self._required)
                continue
            given: set[int] = set()
            repeated: set[int | None] = set()
            if isinstance(row, AmbiguousObject):
                repeated.update(map(self._find_position, row.repeated))
            for header, cell in row.items():
                position = self._find_position(header)
                if position is None:
                    self._refuse_header(piece.first + index, header)
                elif position in given:
                    repeated.add(position)
                else:
                    given.add(position)
                    columns[position][index] = cell
                    if cell is None and self._may_match:
                        piece.nulls.setdefault(position, set()).add(index)
            for position in repeated - {None}:
                assert position is not None  # noqa: S101 - for the type checker
                columns[position][index] = None
                piece.refused.add((index, position))
                self._refuse(piece, index, position, "is given more than once")

    def _refuse(self, piece: Piece, index: int, position: int, why: str) -> None:
        name = self._names[position]
        self._errors.append(RowError(piece.first + index, name, f"{label(name)} {why}"))

    def _refuse_header(self, row: int, header: str) -> None:
        column = name_unknown(header)
        named = label(column) or "A blank header"
        self._errors.append(RowError(row, column, f"{named} is not a column of {self.importable.name}"))

    def _find_position(self, header: str) -> int | None:
        """Where the column is that a header names; files repeat their headers, so it is remembered."""
        try:
            return self._positions[header]
        except KeyError:
            position = self._positions[header] = self.importable.headers.get(normalize_header(header))
            return position


def name_unknown(header: str) -> str:
    """What row errors call a column that no column of the type is, after its header."""
    return printable("_".join(header.replace("-", " ").replace("_", " ").split()).lower())


def clean_rows(importable: Importable, rows: Sequence[Any]) -> CleanRows:
    """Rows of one type, to be cleaned cell by cell, with everything that is wrong (contract, section 2.5)."""
    cleaned = CleanRows(importable)
    cleaned.add(rows)
    return cleaned


def clean_pieces(
    pieces: Iterable[tuple[str, Sequence[Any]]], importables: Mapping[str, Importable], *, may_match: bool = False
) -> dict[str, CleanRows]:
    """Rows that come in pieces, each with the name of its type; the types in the order in which they came.

    ``may_match``: see ``CleanRows``.
    """
    all_rows: dict[str, CleanRows] = {}
    for name, rows in pieces:
        if name not in all_rows:
            all_rows[name] = CleanRows(importables[name], may_match=may_match)
        all_rows[name].add(rows)
    return all_rows
