"""Writes tables as CSV and XLSX, row by row in bounded memory. Pure: no Django, no database."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from html import escape
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Protocol

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from importsvc.files.mapping.cells import get_text
from importsvc.files.reading.sheet_rows import MAX_ROWS
from importsvc.files.reading.tables import Cell, Fault, show_cell
from importsvc.text.csv_cells import ANY_ERROR, ERROR_VALUES, harmless, is_error_value

# In UTF-16 code units, as Excel counts them.
LONGEST_CELL = 32_767

_DIGITS = 15  # of a number of Excel
_FIRST_YEAR = 1900
_WRITTEN_AT_ONCE = 1 << 16

# Of a sheet whose table has no name.
NO_NAME = "Rows"
_NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\]")
_SHEET_NAME_LENGTH = 31
_NARROWEST, _WIDEST = 12, 60  # columns, in characters
_WRITTEN_AT = datetime(2026, 1, 1, tzinfo=UTC)  # so that a table has the same bytes whenever it is written


class TableNotWritable(Exception):
    """The format does not hold the table. The text is a sentence that says why, and what to do."""


class TableWriter(Protocol):
    """Writes one or more tables."""

    def begin_sheet(self, name: str | None, headers: Sequence[str], *, width: int | None = None) -> None:
        """Begin a table with its headers; without a name, the format's own.

        ``width`` is that of all columns, in characters; by default each is as wide as its header.

        Raises:
            TableNotWritable: the format has one table only.
        """

    def write_row(self, cells: Sequence[Cell]) -> None:
        """Write a row of the table.

        Raises:
            TableNotWritable: the row, or a cell, is one too many or too long.
        """


class CsvWriter:
    """Writes one table in UTF-8 with a byte order mark, which spreadsheet programs need.

    No cell is a formula, and only the error cells of a workbook are errors. ``csv_cells.restore`` gives texts back, and
    so does reading, if it is an error file.
    """

    def __init__(self, target: BinaryIO, *, separator: str, quote: str, decimal_sign: str) -> None:
        """``decimal_sign`` is that of numbers, not of texts."""
        self._target = target
        self._decimal_sign = decimal_sign
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text, delimiter=separator, quotechar=quote)
        self._has_sheet = False

    def begin_sheet(self, name: str | None, headers: Sequence[str], *, width: int | None = None) -> None:
        """Write the headers."""
        if self._has_sheet:
            raise TableNotWritable("The rows come from several sheets, which CSV does not have; ask for errors.xlsx")
        self._has_sheet = True
        self._target.write("\N{BYTE ORDER MARK}".encode())
        self.write_row(headers)

    def write_row(self, cells: Sequence[Cell]) -> None:
        """Write a row."""
        self._writer.writerow(map(self._show, cells))
        if self._text.tell() > _WRITTEN_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what is left."""
        self._target.write(self._text.getvalue().encode("utf-8", "replace"))
        self._text.seek(0)
        self._text.truncate()

    def _show(self, cell: Cell) -> str:
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return harmless(str(get_text(cell)).replace(".", self._decimal_sign))
        if isinstance(cell, Fault) and cell.is_error:
            # In a text that reading does not know, such as that of a workbook in another language, it would be a value.
            return cell.text if is_error_value(cell.text) else ANY_ERROR
        return harmless(show_cell(cell))


class XlsxWriter:
    """Writes a workbook with a sheet for each table. Texts are text, so that leading zeros stay."""

    def __init__(self, workbook: xlsxwriter.Workbook, *, is_text: bool) -> None:
        """``is_text`` if all cells are texts: then what is typed into blank cells is text as well."""
        self._workbook = workbook
        self._is_text = is_text
        self._bold = workbook.add_format({"bold": True})
        self._text = workbook.add_format({"num_format": "@"})
        self._formats = {
            datetime: workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            date: workbook.add_format({"num_format": "yyyy-mm-dd"}),
            time: workbook.add_format({"num_format": "hh:mm:ss"}),
        }
        self._names: list[str] = []
        self._sheet: Any = None
        self._row = 0

    def begin_sheet(self, name: str | None, headers: Sequence[str], *, width: int | None = None) -> None:
        """Begin a sheet with the headers."""
        self._names.append(name or NO_NAME)
        self._sheet = self._workbook.add_worksheet(name_sheets(self._names)[-1])
        self._sheet.freeze_panes(1, 0)
        for column, header in enumerate(headers):
            wide = width or max(_NARROWEST, min(len(header) + 2, _WIDEST))
            self._sheet.set_column(column, column, wide, self._text if self._is_text else None)
        self._row = 0
        for column, header in enumerate(headers):
            self._write_text(column, header, self._bold)
        self._row = 1

    def write_row(self, cells: Sequence[Cell]) -> None:
        """Write a row of the sheet."""
        if self._row >= MAX_ROWS:
            detail = f"There are more rows than a sheet of a workbook has, {MAX_ROWS:,}; ask for errors.csv"
            raise TableNotWritable(detail)
        for column, cell in enumerate(cells):
            self._write_cell(column, cell)
        self._row += 1

    def _write_cell(self, column: int, cell: Cell) -> None:
        match cell:
            case None | "":
                pass
            case bool():
                self._sheet.write_boolean(self._row, column, cell)
            case int() | float() if len(str(abs(cell)).replace(".", "")) <= _DIGITS + (isinstance(cell, float) * 2):
                self._sheet.write_number(self._row, column, cell)
            case date() | time() if isinstance(cell, time) or cell.year >= _FIRST_YEAR:
                self._sheet.write_datetime(self._row, column, cell, self._formats[type(cell)])
            case Fault(text, is_error=True):
                error = text if text in ERROR_VALUES else ANY_ERROR  # each is a formula of its own
                self._sheet.write_formula(self._row, column, f"={error}", None, error)
            case int() | float():
                self._write_text(column, str(get_text(cell)), self._text)
            case _:
                self._write_text(column, show_cell(cell), self._text)

    def _write_text(self, column: int, text: str, cell_format: Any) -> None:
        if len(text.encode("utf-16-le", "replace")) // 2 > LONGEST_CELL:
            detail = f"A cell has more than {LONGEST_CELL:,} characters, the longest of a workbook; ask for errors.csv"
            raise TableNotWritable(detail)
        text = text.encode("utf-8", "replace").decode()
        if text.startswith("<r>") and text.endswith("</r>"):
            # The library takes it for the XML of a rich text.
            text = f'<r><t xml:space="preserve">{escape(text, quote=False)}</t></r>'
        self._sheet.write_string(self._row, column, text, cell_format)


@contextmanager
def write_csv(
    target: BinaryIO, *, separator: str = ",", quote: str = '"', decimal_sign: str = "."
) -> Iterator[TableWriter]:
    """A writer of CSV to a binary stream; see ``CsvWriter``."""
    writer = CsvWriter(target, separator=separator, quote=quote, decimal_sign=decimal_sign)
    yield writer
    writer.flush()


@contextmanager
def write_xlsx(target: BinaryIO, *, is_text: bool) -> Iterator[TableWriter]:
    """A writer of a workbook to a binary stream, which gets all bytes at the end; see ``XlsxWriter``.

    Raises:
        OSError: there is no room for a temporary file.
    """
    with TemporaryDirectory() as directory:
        options = {"constant_memory": True, "tmpdir": directory}
        workbook = xlsxwriter.Workbook(target, options)
        try:
            workbook.set_properties({"created": _WRITTEN_AT})
            yield XlsxWriter(workbook, is_text=is_text)
            workbook.close()
        except FileCreateError as error:
            raise error.args[0] from None
        finally:
            # Open still if the workbook was not closed.
            for sheet in workbook.worksheets():
                sheet.row_data_fh.close()


def name_sheets(names: Sequence[str]) -> list[str]:
    """The names as a workbook allows them: short, without some characters, and different whatever their case."""
    allowed: list[str] = []
    taken: set[str] = set()
    for name in names:
        base = _NOT_IN_SHEET_NAMES.sub(" ", name).strip(" '")[:_SHEET_NAME_LENGTH] or "Sheet"
        unique, number = base, 1
        while unique.casefold() in taken:
            number += 1
            unique = f"{base[: _SHEET_NAME_LENGTH - 5]} ({number})"
        taken.add(unique.casefold())
        allowed.append(unique)
    return allowed
