"""Rows as they came to rows of clean values, with everything that can be seen wrong without the database. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from importsvc.engine import cells
from importsvc.engine.errors import CellError, RowError, label
from importsvc.engine.importable import Importable, normalize_header
from importsvc.strict_json import AmbiguousObject
from importsvc.text import printable


@dataclass(frozen=True)
class CleanRows:
    """The rows of one type, cleaned.

    Attributes:
        importable: the type.
        values: for each row in order, a value for each of the importable's columns and references; ``None`` is blank,
            and stands in for a cell that is in ``errors``. Row *n* is at index *n* - 1.
        errors: what is wrong, in row order.
    """

    importable: Importable
    values: list[tuple[Any, ...]] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


def clean_rows(importable: Importable, rows: list[Any]) -> CleanRows:
    """Clean every cell of every row and report everything that is wrong (contract, section 2.5)."""
    cleaned = CleanRows(importable)
    cleaner = _RowCleaner(importable)
    for number, row in enumerate(rows, start=1):
        cleaned.values.append(cleaner.clean(number, row, cleaned.errors))
    return cleaned


class _RowCleaner:
    """What is the same for every row of a type, worked out once."""

    def __init__(self, importable: Importable) -> None:
        self.type_name = importable.name
        self.headers = importable.headers
        self.names = importable.column_names
        self.cleaners = [column.clean for column in importable.columns] + [cells.text] * len(importable.references)
        self.required = [position for position, column in enumerate(importable.columns) if column.required]
        self.positions: dict[str, int | None] = {}

    def clean(self, number: int, row: object, errors: list[RowError]) -> tuple[Any, ...]:
        """The row's values; what is wrong goes to ``errors``: first unknown columns, then columns as declared."""
        values: list[Any] = [None] * len(self.names)
        if not isinstance(row, dict):
            errors.append(RowError(number, None, "Row must be an object"))
            return tuple(values)
        given: set[int] = set()
        problems: dict[int, str] = {}
        for header, cell in row.items():
            position = self.find_position(header)
            if position is None:
                column = printable("_".join(header.replace("-", " ").replace("_", " ").split()).lower())
                named = label(column) or "A blank header"
                errors.append(RowError(number, column, f"{named} is not a column of {self.type_name}"))
            elif position in given:
                problems[position] = "is given more than once"
            else:
                given.add(position)
                try:
                    values[position] = self.cleaners[position](cell)
                except CellError as error:
                    problems[position] = str(error)
        if isinstance(row, AmbiguousObject):
            repeated = (self.find_position(header) for header in row.repeated)
            problems.update((position, "is given more than once") for position in repeated if position is not None)
        for position in self.required:
            if values[position] is None and position not in problems:
                problems[position] = "can't be blank"
        for position in sorted(problems):
            values[position] = None
            errors.append(RowError(number, self.names[position], f"{label(self.names[position])} {problems[position]}"))
        return tuple(values)

    def find_position(self, header: str) -> int | None:
        """Where the values hold the column that the header names; files repeat their headers, so it is remembered."""
        try:
            return self.positions[header]
        except KeyError:
            position = self.positions[header] = self.headers.get(normalize_header(header))
            return position
