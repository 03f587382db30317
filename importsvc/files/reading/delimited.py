"""Text with separators (CSV, TSV and others): strict records with the lines where they start. Pure: no Django."""

from __future__ import annotations

import csv
import re
from collections.abc import Generator, Iterator, Sequence
from io import TextIOWrapper
from typing import Any, NamedTuple

from importsvc.files.reading.encodings import UTF_8, find_undecodable, open_text
from importsvc.files.reading.tables import (
    ERROR_FILE_HEADERS,
    Cell,
    FileRefused,
    ReadOptions,
    Source,
    TableRow,
    check_width,
    make_fault,
    name_columns,
    number_columns,
    refuse_header,
)
from importsvc.text.csv_cells import is_error_value, restore

# In characters. A cell of Excel has at most 32,767.
LONGEST_FIELD = csv.field_size_limit()
LONGEST_RECORD = 8 * 1024 * 1024

# The first line of a file may name its separator, as Excel reads and writes it.
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)

# For a single column: the unit separator of ASCII, which no text has.
_NO_SEPARATOR = "\x1f"


class Record(NamedTuple):
    """The cells of a record, and the physical line where it starts, counted from 1. A blank line has no cells."""

    line: int
    cells: list[str]


class DelimitedTable:
    """A table of text with separators. Its cells are text."""

    sheet: str | None = None

    def __init__(self, source: Source, options: ReadOptions) -> None:
        """Read the header.

        Raises:
            FileRefused: the header cannot be read, or is not there.
        """
        self._records = read_records(source, options)
        if options.header_row:
            self.headers: Sequence[str] = self._read_header(options.header_row)
            return
        first = next((record for record in self._records if record.cells), Record(1, []))
        self.headers = number_columns(len(first.cells))
        self.close()
        self._records = read_records(source, options)

    def rows(self) -> Iterator[TableRow]:
        """The records below the header."""
        width = len(self.headers)
        is_error_file = is_of_error_file(self.headers)
        for line, cells in self._records:
            if len(cells) > width:
                check_width(len(cells))
            yield TableRow(line, restore_cells(cells) if is_error_file else cells)

    def close(self) -> None:
        """Close the file."""
        self._records.close()

    def _read_header(self, wanted: int) -> list[str]:
        for record in self._records:
            if record.line >= wanted:
                cells = record.cells
                return name_columns(list(map(restore, cells)) if is_of_error_file(cells) else cells)
        raise refuse_header(wanted)


def restore_cells(cells: Sequence[str]) -> list[Cell]:
    """The cells of which an error file has these: errors of a workbook are errors again."""
    return [make_fault(cell) if is_error_value(cell) else restore(cell) for cell in cells]


def is_of_error_file(header: Sequence[Cell]) -> bool:
    """Whether a row is the header of an error file, whose cells ``csv_cells.restore`` gives back."""
    return set(ERROR_FILE_HEADERS) <= {cell for cell in header if isinstance(cell, str)}


def read_records(source: Source, options: ReadOptions) -> Generator[Record, None, None]:
    """All records of the file, the header included. A line that names the separator is left out.

    Raises:
        FileRefused: a character cannot be decoded, a quote is not closed or not followed by a separator, or a record
            is too long.
    """
    encoding = options.encoding or UTF_8
    with open_text(source, encoding) as text:
        lines = _Lines(text)
        first = lines.line = lines.skip_separator_line()
        reader = csv.reader(lines, **make_dialect(options), strict=True)
        try:
            for cells in reader:
                yield Record(lines.line, cells)
                lines.line = first + reader.line_num
                lines.size = 0
        except csv.Error as error:
            raise _explain(str(error), source, options, lines.line) from None
        except UnicodeDecodeError:
            raise find_undecodable(source, encoding) from None


def make_dialect(options: ReadOptions) -> dict[str, Any]:
    """The arguments of ``csv.reader``."""
    separator = options.separator or _NO_SEPARATOR
    dialect: dict[str, Any] = {"delimiter": separator[0], "skipinitialspace": len(separator) > 1}
    quoting = csv.QUOTE_MINIMAL if options.quote else csv.QUOTE_NONE
    return {**dialect, "quotechar": options.quote or None, "quoting": quoting}


class _Lines:
    """The lines of a text, for ``csv.reader``. The memory of a record is limited.

    Attributes:
        line: where the current record starts.
        size: how many characters of it have been read.
    """

    def __init__(self, text: TextIOWrapper) -> None:
        self._read = text.readline
        self._next = ""
        self.line = 1
        self.size = 0

    def skip_separator_line(self) -> int:
        """Skip the first line if it names the separator. Returns the number of the line that comes next."""
        line = self._read(LONGEST_RECORD)
        if SEPARATOR_LINE.fullmatch(line):
            return 2
        self._next = line
        return 1

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._next or self._read(LONGEST_RECORD)
        if not line:
            raise StopIteration
        self._next = ""
        self.size += len(line)
        if self.size >= LONGEST_RECORD:
            detail = f"The row that starts in line {self.line:,} is longer than {LONGEST_RECORD:,} characters."
            raise FileRefused("row_too_long", detail, line=self.line)
        if "\x00" in line:
            raise UnicodeDecodeError(UTF_8, b"\x00", 0, 1, "NUL")
        return line


def _explain(error: str, source: Source, options: ReadOptions, line: int) -> FileRefused:
    """The refusal for an error of ``csv.reader`` in the record that starts in this line."""
    opened, place, is_closed = _find_quote(source, options, line)
    if is_closed and place:
        detail = (
            f"Line {place[0]:,}, column {place[1]:,}: a quoted value goes on after its closing quote. "
            "Double the quotes within the value, or read the file without quotes."
        )
        return FileRefused("quote_misplaced", detail, line=place[0], column=place[1])
    if opened:
        detail = (
            f"The quote that opens in line {opened[0]:,}, column {opened[1]:,} is "
            + ("never closed." if "end of data" in error else f"not closed within {LONGEST_FIELD:,} characters.")
            + " Close it, double it, or read the file without quotes."
        )
        return FileRefused("quote_not_closed", detail, line=opened[0], column=opened[1])
    detail = f"Line {line:,} has a value that is longer than {LONGEST_FIELD:,} characters."
    return FileRefused("value_too_long", detail, line=line)


_Place = tuple[int, int] | None


def _find_quote(source: Source, options: ReadOptions, line: int) -> tuple[_Place, _Place, bool]:
    """What is wrong with the quotes of the record that starts in this line.

    Returns:
        Where the last quoted value opens, if it is not closed; the character after a closing quote that does not belong
        there; whether there is such a character.
    """
    dialect = make_dialect(options)
    quote, separator = dialect["quotechar"], dialect["delimiter"]
    opened: _Place = None
    state, size = "start", 0
    with open_text(source, options.encoding or UTF_8) as text:
        for number in range(1, line + LONGEST_RECORD):
            content = text.readline(LONGEST_RECORD)
            if number < line:
                continue
            for column, character in enumerate(content, 1):
                size += 1
                if state == "quoted":
                    state = "closed" if character == quote else state
                elif state == "closed" and character == quote:
                    state = "quoted"
                elif character == separator:
                    state = "start"
                elif state == "closed" and character not in "\r\n":
                    return None, (number, column), True
                elif state == "start" and character == quote:
                    state, opened = "quoted", (number, column)
                elif not (state == "start" and dialect["skipinitialspace"] and character == " "):
                    state = "plain"
            if not content or state != "quoted" or size >= LONGEST_RECORD:
                break
    return (opened if state == "quoted" else None), None, False
