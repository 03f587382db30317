"""The rows of an import that have errors, as tables of fields; and what a sent form changes in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator

from importsvc.imports import services
from importsvc.imports.models import StagedRowError
from importsvc.imports.services import RowCorrection, RowWithErrors, describe_cell
from importsvc.wizard.access import Access

PAGE_SIZE = 25
# Columns of a table. Other cells are changed in the error file.
SHOWN_COLUMNS = 30
# No row has a number with more digits.
_DIGITS = 9
# A longer cell is not shown as a field: it would be cut.
_LONGEST = 1_000


@dataclass(frozen=True)
class Cell:
    """A cell of a row.

    Attributes:
        name: of its field; empty if it cannot be changed here.
        is_wrong: whether an error is about it.
    """

    column: str
    name: str
    text: str
    is_wrong: bool


@dataclass(frozen=True)
class Row:
    """A row of a table: its key in forms, its place, its cells, and its errors."""

    key: str
    number: int
    line: int | None
    sheet: str
    cells: list[Cell]
    errors: Sequence[StagedRowError]


@dataclass(frozen=True)
class Table:
    """The rows of one type on a page. ``titles`` are the headers of the file, or the columns without one."""

    record_type: str
    titles: list[str]
    rows: list[Row]
    hidden_columns: int


def read_grid(access: Access, import_id: int, page_number: Any) -> tuple[Page[Any], list[Table]]:
    """A page of the rows that have errors, by type."""
    rows: Any = services.list_rows(organization=access.organization, import_id=import_id, has_errors=True)
    page = Paginator(rows, PAGE_SIZE).get_page(page_number)
    by_type: dict[str, list[RowWithErrors]] = {}
    for row in page.object_list:
        by_type.setdefault(row.record_type, []).append(row)
    return page, [_make_table(name, of_type, rows.import_.headers.get(name, {})) for name, of_type in by_type.items()]


def read_corrections(access: Access, import_id: int, given: Mapping[str, str]) -> list[RowCorrection]:
    """What the fields of a form change in the staged rows.

    Raises:
        RecordNotFound: a row is not there.
    """
    by_row: dict[tuple[str, int], dict[str, str]] = {}
    for name, value in given.items():
        place = _read_name(name)
        if place is not None:
            by_row.setdefault(place[:2], {})[place[2]] = value
    corrections = []
    for (record_type, number), fields in by_row.items():
        row = services.find_row(
            organization=access.organization, import_id=import_id, record_type=record_type, row=number
        )
        cells = row.cells if isinstance(row.cells, dict) else {}
        changed = {
            column: value.strip() or None
            for column, value in fields.items()
            if value != (describe_cell(cells[column]) if column in cells else "")
        }
        if changed:
            corrections.append(RowCorrection(record_type, number, changed))
    return corrections


def read_problems(access: Access, import_id: int, keys: Sequence[str]) -> dict[str, list[StagedRowError]]:
    """The errors of rows by their keys in forms; an empty list for a row without errors."""
    import_ = services.find_import(import_id=import_id, organization=access.organization)
    by_type: dict[str, list[int]] = {}
    for record_type, number in filter(None, map(read_key, keys)):
        by_type.setdefault(record_type, []).append(number)
    found: dict[str, list[StagedRowError]] = {
        _make_key(record_type, number): [] for record_type, numbers in by_type.items() for number in numbers
    }
    for record_type, numbers in by_type.items():
        errors = services.select_errors(import_, record_type).filter(row__in=numbers)
        for error in errors.order_by("row", "number"):
            found[_make_key(record_type, error.row)].append(error)
    return found


def read_key(key: str) -> tuple[str, int] | None:
    """The type and the number of a row, by its key in forms; ``None`` if it is none."""
    record_type, _, number = key.rpartition("-")
    if record_type not in services.get_record_types() or not (number.isascii() and number.isdigit()):
        return None
    return (record_type, int(number)) if len(number) <= _DIGITS else None


def _make_table(record_type: str, rows: Sequence[RowWithErrors], headers: Mapping[str, str]) -> Table:
    columns = dict.fromkeys(header for row in rows if isinstance(row.cells, dict) for header in row.cells)
    known = {services.normalize_header(header): header for header in columns}
    for row in rows:
        for error in row.errors:
            # A required column that no row has.
            if error.column and error.header is None and services.normalize_header(error.column) not in known:
                known[services.normalize_header(error.column)] = error.column
                columns[error.column] = None
    shown = list(columns)[:SHOWN_COLUMNS]
    titles = [headers.get(column, column.replace("_", " ")) for column in shown]
    return Table(record_type, titles, [_make_row(row, shown) for row in rows], max(len(columns) - SHOWN_COLUMNS, 0))


def _make_row(row: RowWithErrors, columns: Sequence[str]) -> Row:
    key = _make_key(row.record_type, row.row)
    wrong = {services.normalize_header(error.header or error.column or "") for error in row.errors}
    cells = row.cells if isinstance(row.cells, dict) else {}
    return Row(
        key=key,
        number=row.row,
        line=row.line,
        sheet=row.sheet,
        cells=[_make_cell(key, column, cells.get(column), wrong) for column in columns],
        errors=row.errors,
    )


def _make_cell(key: str, column: str, value: Any, wrong: set[str]) -> Cell:
    text = "" if value is None else describe_cell(value)
    is_field = len(text) <= _LONGEST and not any(character in text for character in "\r\n\0")
    name = f"cell:{key}:{column}" if is_field else ""
    return Cell(column, name, text, services.normalize_header(column) in wrong)


def _make_key(record_type: str, row: int) -> str:
    return f"{record_type}-{row}"


def _read_name(name: str) -> tuple[str, int, str] | None:
    """The type, the number and the column of the cell that a field is for; ``None`` for another field."""
    prefix, _, rest = name.partition(":")
    key, colon, column = rest.partition(":")
    place = read_key(key)
    return (*place, column) if prefix == "cell" and colon and place else None
