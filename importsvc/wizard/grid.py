"""The rows of an import that have errors, as tables of fields, page by page; and what a sent form changes in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator

from importsvc.imports import services
from importsvc.imports.models import Import, StagedRowError
from importsvc.imports.services import RowCorrection, RowWithErrors, StagedRowList, describe_cell
from importsvc.wizard.access import Access

PAGE_SIZE = 50
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


@dataclass(frozen=True)
class Part:
    """Consecutive rows that have errors.

    Attributes:
        tables: of these rows, by type.
        keys: of the rows.
        after: the key of the row before the first one; empty for the first part.
        has_more: whether rows follow.
    """

    tables: list[Table]
    keys: list[str]
    after: str
    has_more: bool


def read_grid(access: Access, import_id: int, page_number: Any) -> tuple[Page[Any], Part]:
    """A page of the rows that have errors."""
    rows: Any = _list_rows(access, import_id)
    page = Paginator(rows, PAGE_SIZE).get_page(page_number)
    start = page.start_index() - 1
    before = rows[start - 1 : start] if start > 0 else []
    after = _make_key(before[0].record_type, before[0].row) if before else ""
    return page, _make_part(rows.import_, list(page.object_list), after, has_more=page.has_next())


def read_part(access: Access, import_id: int, after: str, until: str) -> Part:
    """The rows that have errors after one of them, up to another one or as many as a page has; by their keys.

    By keys and not by their number: rows that are corrected meanwhile have no errors any more.
    """
    rows = _list_rows(access, import_id)
    first, last = read_key(after), read_key(until)
    start = rows.count_until(*first) if first else 0
    stop = rows.count_until(*last) if last else start + PAGE_SIZE
    stop = min(stop, start + PAGE_SIZE)
    return _make_part(rows.import_, rows[start:stop], after, has_more=stop < len(rows))


def find_page(access: Access, import_id: int, key: str) -> int:
    """The number of the page that has the rows after this one."""
    place = read_key(key)
    return _list_rows(access, import_id).count_until(*place) // PAGE_SIZE + 1 if place else 1


def _list_rows(access: Access, import_id: int) -> StagedRowList:
    return services.list_rows(organization=access.organization, import_id=import_id, has_errors=True)


def _make_part(import_: Import, rows: Sequence[RowWithErrors], after: str, *, has_more: bool) -> Part:
    by_type: dict[str, list[RowWithErrors]] = {}
    for row in rows:
        by_type.setdefault(row.record_type, []).append(row)
    tables = [_make_table(import_, name, of_type) for name, of_type in by_type.items()]
    return Part(tables, [_make_key(row.record_type, row.row) for row in rows], after, has_more)


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


def _make_table(import_: Import, record_type: str, rows: Sequence[RowWithErrors]) -> Table:
    headers: Mapping[str, str] = import_.headers.get(record_type, {})
    found = (header for row in rows if isinstance(row.cells, dict) for header in row.cells)
    columns = dict.fromkeys([*_find_mapped_columns(import_, record_type), *found])
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


def _find_mapped_columns(import_: Import, record_type: str) -> list[str]:
    """The columns that the file fills, in its order: all pages have them, also if all cells of one are blank."""
    mapped = import_.mapping["columns"] if import_.mapping else []
    targets = [target.split(".") for column in mapped for target in column["targets"]]
    return [column for type_name, column, *_ in targets if type_name == record_type]


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
