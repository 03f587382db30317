"""What is said of a file's tables: cells, rows, options, refusals. Pure: no Django, no database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import BinaryIO, Literal, NamedTuple, Protocol

# The formats that are read. ``csv`` includes every text with separators, such as TSV.
CSV, XLSX, ODS, JSON_LINES, JSON = "csv", "xlsx", "ods", "json_lines", "json"
FORMATS = (CSV, XLSX, ODS, JSON_LINES, JSON)
WORKBOOKS = (XLSX, ODS)

# Columns that a table may have. It is also the limit of other services for imports.
MAX_COLUMNS = 1_000

# The columns that an error file has before those of its file. They fill no target when it comes in again.
ERROR_FILE_HEADERS = ("import_id", "import_row", "import_errors")


@dataclass(frozen=True)
class Fault:
    """A cell that has no value, such as the error cell of a workbook.

    Attributes:
        text: what the file has in its place: ``#N/A``.
        because: the rest of a sentence that begins with the label of the column: ``is the error #N/A of the workbook``.
        is_error: whether it is an error cell of a workbook.
    """

    text: str
    because: str
    is_error: bool = False


def make_fault(text: str) -> Fault:
    """The error cell of a workbook."""
    return Fault(text, f"is the error {text} of the workbook", is_error=True)


# A cell of CSV is a ``str``. A cell without a value is "" or ``None``.
Cell = str | int | float | bool | date | datetime | time | Fault | None


class TableRow(NamedTuple):
    """A row below the header.

    Attributes:
        line: where the row starts, counted from 1: the physical line in CSV and JSON Lines, the number of the row in a
            sheet, the number of the item in JSON.
        cells: in the order of the table's headers. There may be fewer cells than headers, or more.
    """

    line: int
    cells: Sequence[Cell]


class Source(Protocol):
    """The bytes of a file, which can be opened any number of times."""

    @property
    def name(self) -> str:
        """The name of the file; may be empty."""

    @property
    def size(self) -> int:
        """In bytes."""

    def open(self) -> BinaryIO:
        """A new stream, seekable, at its start."""


@dataclass(frozen=True)
class ReadOptions:
    """How a file is read: what was detected, or what the caller says instead.

    Attributes:
        format: one of ``FORMATS``.
        encoding: of text, a name of ``encodings.ENCODINGS``; of workbooks ``None``.
        separator: of CSV: one character, or one and a space after it that belongs to no cell; "" for a single column.
        quote: of CSV: one character, or "" if quotes have no meaning.
        header_row: the line, or the row of the sheet, where the header starts; 0 without a header. JSON names its
            columns in each row, and has 0.
        sheet: of a workbook, or the name of the array in a JSON object; ``None`` is the first.
        decimal_sign, date_order: for the conversion of cells; reading keeps the text as it is.
    """

    format: str
    encoding: str | None = None
    separator: str | None = None
    quote: str | None = None
    header_row: int = 1
    sheet: str | None = None
    decimal_sign: str | None = None
    date_order: str | None = None


class Table(Protocol):
    """An open table. Its memory does not depend on the number of rows."""

    @property
    def headers(self) -> Sequence[str]:
        """One for each column, unique and not empty: see ``name_columns``."""

    @property
    def sheet(self) -> str | None:
        """The sheet that is read; ``None`` if the format has none."""

    def rows(self) -> Iterator[TableRow]:
        """The rows below the header in their order, blank ones included. It can be iterated once.

        Raises:
            FileRefused: the file cannot be read to its end.
        """


# In the order of docs/files.md.
Reason = Literal[
    "empty_file",
    "format_unknown",
    "encoding_unknown",
    "not_decodable",
    "nul_character",
    "quote_not_closed",
    "quote_misplaced",
    "value_too_long",
    "row_too_long",
    "too_many_columns",
    "too_many_rows",
    "no_header",
    "sheet_unknown",
    "option_invalid",
    "workbook_damaged",
    "workbook_encrypted",
    "workbook_too_large",
    "json_invalid",
    "json_not_a_table",
    "row_not_object",
]


class FileRefused(Exception):
    """The file as a whole cannot be read.

    Attributes:
        code: stable; ``docs/files.md`` has an example of each.
        detail: a sentence that says what is wrong, and what to do about it.
        line, column: where, counted from 1. ``column`` counts characters in CSV, columns in a sheet.
        sheet: the sheet.
    """

    def __init__(
        self, code: Reason, detail: str, *, line: int | None = None, column: int | None = None, sheet: str | None = None
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.line = line
        self.column = column
        self.sheet = sheet


def name_columns(header: Sequence[Cell]) -> list[str]:
    """The headers of columns from the cells of a header row.

    White space around a header is dropped and counts as one space within it. A blank header becomes ``Column 3`` by its
    position, and a repeated one ``Email (2)``.

    Raises:
        FileRefused: there are more than ``MAX_COLUMNS``.
    """
    names = [" ".join(show_cell(cell).split()) for cell in header]
    while names and not names[-1]:
        names.pop()
    check_width(len(names))
    taken = set(names)
    seen: set[str] = set()
    for index, name in enumerate(names):
        unique = name or f"Column {index + 1}"
        number = 1
        while unique in seen or (unique != name and unique in taken):
            number += 1
            unique = f"{name or f'Column {index + 1}'} ({number})"
        seen.add(unique)
        names[index] = unique
    return names


def number_columns(width: int) -> list[str]:
    """The headers of a table that has no header row: ``Column 1`` and so on.

    Raises:
        FileRefused: there are more than ``MAX_COLUMNS``.
    """
    check_width(width)
    return [f"Column {number}" for number in range(1, width + 1)]


def refuse_header(row: int, *, sheet: str | None = None) -> FileRefused:
    """The refusal of a file that ends before the row of its header."""
    what = f"sheet '{sheet}'" if sheet else "file"
    detail = f"The {what} has no row {row:,}, where its header should be."
    return FileRefused("no_header", detail, line=row, sheet=sheet)


def check_width(width: int, *, sheet: str | None = None) -> None:
    """Refuse a table that has too many columns.

    Raises:
        FileRefused: there are more than ``MAX_COLUMNS``.
    """
    if width > MAX_COLUMNS:
        detail = f"The file has {width:,} columns; at most {MAX_COLUMNS:,} are read. Delete those that are not needed."
        raise FileRefused("too_many_columns", detail, column=MAX_COLUMNS + 1, sheet=sheet)


def show_cell(cell: Cell) -> str:
    """The cell as text: dates and times in ISO 8601, booleans as ``true`` and ``false``."""
    match cell:
        case None:
            return ""
        case str():
            return cell
        case bool():
            return "true" if cell else "false"
        case datetime():
            return cell.isoformat(sep=" ")
        case date() | time():
            return cell.isoformat()
        case Fault():
            return cell.text
        case _:
            return str(cell)


def is_blank(cell: Cell) -> bool:
    """Whether the cell has no value: ``None``, or text of white space only."""
    return cell is None or (isinstance(cell, str) and not cell.strip())
