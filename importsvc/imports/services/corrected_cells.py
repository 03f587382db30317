"""Cells of a file in which the staged rows have another value since they were corrected."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from importsvc.engine.parse.cells import is_unreadable
from importsvc.engine.schema import registry
from importsvc.files.mapping.columns import Columns, TargetColumn, encode_value, make_target_columns
from importsvc.files.mapping.document import Formats, Mapping
from importsvc.files.mapping.headers import HeaderIndex, name_column
from importsvc.files.mapping.sides import plan_sheet
from importsvc.files.mapping.targets import find_target
from importsvc.files.reading.tables import Cell
from importsvc.imports.services.cell_problems import NO_CELL, find_cell
from importsvc.text.display import describe_value


class StagedCells(NamedTuple):
    """A staged row of a line: its type, its number and its decoded value."""

    record_type: str
    row: int
    value: Any


class _DirectColumn(NamedTuple):
    """A column of the file that fills one target without a step.

    Attributes:
        position: of the column, from 0.
        read: what the mapping makes of its cells.
        record_type, column, member: the cell of a staged row.
    """

    position: int
    read: TargetColumn
    record_type: str
    column: str
    member: str | None


class Corrector:
    """Writes corrected values in place of the cells of one table, as its mapping reads them."""

    def __init__(self, mapping: Mapping, *, headers: Sequence[str], sheet: str | None, formats: Formats) -> None:
        """The arguments are those of ``RowMapper``."""
        self._width = len(headers)
        self._sign = formats.decimal_sign or "."
        self._primary = plan_sheet(mapping, sheet).primary
        columns = list(_find_direct_columns(mapping, HeaderIndex(headers), sheet, formats))
        primary = self._primary.name if self._primary else None
        # A cell may be of two types: the name of a company is of a person as well, which comes first.
        self._columns = sorted(columns, key=lambda column: column.record_type != primary)

    def correct(self, cells: Sequence[Cell], staged: Iterable[StagedCells]) -> list[Cell]:
        """The cells of a line with the values that its staged rows have now.

        Only cells of columns that fill one target without a step are corrected. A cell beyond the header is blank if it
        was removed from the row.
        """
        rows: dict[str, Any] = {}
        for record_type, _, value in staged:
            rows.setdefault(record_type, value)
        corrected: list[Cell] = [*cells, *[None] * (self._width - len(cells))]
        columns = [[cell] for cell in corrected]
        done: set[int] = set()
        for column in self._columns:
            if column.record_type in rows and column.position not in done:
                found = _find_member(rows[column.record_type], column)
                if not is_unreadable(found) and found != self._read(column, columns):
                    corrected[column.position] = self._write(column, found)
                    done.add(column.position)
        primary = rows.get(self._primary.name) if self._primary else None
        if isinstance(primary, dict):
            for position in range(self._width, len(corrected)):
                if find_cell(primary, name_column(position))[1] is NO_CELL:
                    corrected[position] = None
        return corrected

    def _read(self, column: _DirectColumn, columns: Columns) -> Any:
        """The value that the mapping makes of the cell of a column of one row, as JSON; ``None`` for a blank one."""
        (value,) = column.read.read(columns, 1)
        if type(value) is str:  # not JsonNumber
            return value or None
        return None if value is None else json.loads(encode_value(value))

    def _write(self, column: _DirectColumn, value: Any) -> Cell:
        """The cell of which the mapping makes this value; if there is none, the value as text."""
        if value is None:
            return None
        text = describe_value(value)
        candidates = [text, text.replace(".", self._sign)]
        for candidate in candidates:
            columns = [[candidate] if at == column.position else [] for at in range(self._width)]
            if _is_same(self._read(column, columns), value):
                return candidate
        return text


def _is_same(value: Any, wanted: Any) -> bool:
    return value is not None and describe_value(value) == describe_value(wanted)


def _find_member(row: Any, column: _DirectColumn) -> Any:
    """The value of a cell, or of a member of an object in it; ``None`` if there is none."""
    found = find_cell(row, column.column)[1]
    if column.member is not None and isinstance(found, dict) and not is_unreadable(found):
        found = found.get(column.member)
    return None if found is NO_CELL or found == "" else found


def _find_direct_columns(
    mapping: Mapping, index: HeaderIndex, sheet: str | None, formats: Formats
) -> Iterator[_DirectColumn]:
    plan = plan_sheet(mapping, sheet)
    filled = {name for mapped in mapping.in_sheet(sheet) for name in mapped.targets}
    for mapped in mapping.in_sheet(sheet):
        position = index.find(mapped.headers[0]) if mapped.headers else None
        if len(mapped.headers) != 1 or len(mapped.targets) != 1 or mapped.steps or position is None:
            continue
        (read,) = make_target_columns(mapped, index, formats)
        target = read.target
        yield _DirectColumn(position, read, target.type_name, target.column, target.member)
        for derived, key in plan.keys.items():
            if key == target.name:
                for name in _find_names(derived, plan.primary.name if plan.primary else "", filled):
                    other = find_target(name)
                    if other is not None:
                        yield _DirectColumn(position, read, other.type_name, other.column, other.member)


def _find_names(derived: str, primary: str, filled: set[str]) -> Iterator[str]:
    """The other targets that the name of a derived record fills: its own column, and the references to it."""
    if not primary:
        return
    for reference in registry.get(primary).references:
        if reference.to == derived:
            for name in (f"{primary}.{reference.name}", f"{derived}.{reference.by}"):
                if name not in filled:
                    yield name
