"""Tables of JSON Lines and JSON: an array of objects, or an object that has arrays of them. Pure: no Django."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from io import TextIOWrapper
from typing import Any, NamedTuple

from importsvc.files.reading.encodings import UTF_8, find_undecodable, open_text
from importsvc.files.reading.tables import (
    JSON_LINES,
    MAX_COLUMNS,
    Cell,
    Fault,
    FileRefused,
    ReadOptions,
    Source,
    TableRow,
    check_width,
    name_columns,
)
from importsvc.text.display import printable
from importsvc.text.json_rows import decode_rows
from importsvc.text.json_stream import LARGEST_VALUE, JsonError, JsonReader, JsonTooLargeError
from importsvc.text.strict_json import AmbiguousObject

# Rows and characters that are decoded at once.
_BATCH_ROWS = 1_000
_BATCH_CHARACTERS = 64 * 1024

_PLACE = re.compile(r"line (\d+) column (\d+): ")


class _Item(NamedTuple):
    """A row: the line where it is, or its number in the array."""

    line: int
    members: dict[str, Any]


class JsonTable:
    """A table of JSON Lines or JSON.

    Its headers are the names of members of all rows, in the order in which they first occur. An object within a row
    becomes columns with a dot: ``custom_fields.region``. A cell that cannot be one value is a ``Fault``.
    """

    def __init__(self, source: Source, options: ReadOptions) -> None:
        """Read the whole file for its headers.

        Raises:
            FileRefused: the file is not JSON of this form.
        """
        self.sheet = options.sheet if options.format != JSON_LINES else None
        self._names: dict[str, int] = {}
        for item in read_items(source, options):
            for name in flatten(item.members):
                self._names.setdefault(name, len(self._names))
            if len(self._names) > MAX_COLUMNS:
                check_width(len(self._names), sheet=self.sheet)
        self.headers: Sequence[str] = name_columns(list(self._names))
        self._items = read_items(source, options)

    def rows(self) -> Iterator[TableRow]:
        """The rows of the file."""
        for item in self._items:
            cells: list[Cell] = [None] * len(self._names)
            for name, cell in flatten(item.members).items():
                cells[self._names[name]] = cell
            yield TableRow(item.line, cells)

    def close(self) -> None:
        """Close the file."""
        self._items.close()


def read_items(source: Source, options: ReadOptions) -> Generator[_Item, None, None]:
    """The rows of JSON Lines, of a JSON array, or of the array that ``options.sheet`` names, by default the first.

    Raises:
        FileRefused: the text is not JSON of this form.
    """
    encoding = options.encoding or UTF_8
    with open_text(source, encoding) as text:
        try:
            if options.format == JSON_LINES:
                yield from _read_lines(text)
            else:
                yield from _read_array(JsonReader(text.read), options.sheet)
        except UnicodeDecodeError:
            raise find_undecodable(source, encoding) from None
        except JsonError as error:
            if "it is not UTF-8" in str(error):
                raise find_undecodable(source, encoding) from None
            raise _refuse_json(error) from None


def count_items(source: Source, encoding: str) -> dict[str, int]:
    """The number of rows of each array of a JSON object; empty if the file is an array.

    Raises:
        FileRefused: the text is not JSON, or names an array twice.
    """
    counts: dict[str, int] = {}
    with open_text(source, encoding) as text:
        reader = JsonReader(text.read)
        try:
            if reader.peek() != "{":
                return counts
            for name in reader.read_members():
                if reader.peek() != "[":
                    reader.skip_value()
                    continue
                if name in counts:
                    detail = f"The file has the array '{printable(name)}' twice."
                    raise FileRefused("json_not_a_table", detail, sheet=printable(name))
                batches = reader.read_batches(items=_BATCH_ROWS, characters=_BATCH_CHARACTERS)
                counts[name] = sum(count for count, _ in batches)
            reader.expect_end()
        except JsonError as error:
            raise _refuse_json(error) from None
    return counts


def flatten(members: Mapping[str, Any], prefix: str = "") -> dict[str, Cell]:
    """The cells of a row by the names of their columns."""
    repeated = members.repeated if isinstance(members, AmbiguousObject) else ()
    cells: dict[str, Cell] = {}
    for name, value in members.items():
        column = f"{prefix}{name}"
        found = flatten(value, f"{column}.") if isinstance(value, dict) else {column: _make_cell(value)}
        if name in repeated or not cells.keys().isdisjoint(found):
            found = dict.fromkeys(found, Fault(_dump(value), "is given twice in the row"))
        cells.update(found)
    return cells


def _make_cell(value: Any) -> Cell:
    if isinstance(value, list):
        return Fault(_dump(value), "is a list, not a single value")
    if isinstance(value, float) and not math.isfinite(value):
        return Fault(str(value), "is too large a number")
    cell: Cell = value
    return cell


def _dump(value: Any) -> str:
    return printable(json.dumps(value, ensure_ascii=False))


def _read_lines(text: TextIOWrapper) -> Iterator[_Item]:
    number = 0
    while line := text.readline(LARGEST_VALUE + 1):
        number += 1
        if len(line) > LARGEST_VALUE:
            raise JsonTooLargeError(f"line {number} column 1: more than {LARGEST_VALUE} characters")
        if line.isspace():
            continue
        try:
            items = decode_rows(line)
        except JsonError as error:
            raise JsonError(f"line {number} column 1: {error}") from None
        except ValueError as error:
            column = max(1, getattr(error, "colno", 2) - 1)  # decode_rows adds a bracket
            raise JsonError(f"line {number} column {column}: {getattr(error, 'msg', error)}") from None
        if len(items) != 1 or not isinstance(items[0], dict):
            detail = f"Line {number:,} is not one JSON object."
            raise FileRefused("row_not_object", detail, line=number)
        yield _Item(number, items[0])


def _read_array(reader: JsonReader, sheet: str | None) -> Iterator[_Item]:
    if reader.peek() == "[":
        yield from _read_rows(reader)
        reader.expect_end()
        return
    if reader.peek() == "{":
        for name in reader.read_members():
            if reader.peek() == "[" and sheet in (None, name):
                yield from _read_rows(reader, name)
                return
            reader.skip_value()
    what = "no array of rows" if sheet is None else f"no array '{printable(sheet)}'"
    raise FileRefused("json_not_a_table", f"The file has {what}: it must be an array of objects, or have such arrays.")


def _read_rows(reader: JsonReader, sheet: str | None = None) -> Iterator[_Item]:
    number = 0
    for _, text in reader.read_batches(items=_BATCH_ROWS, characters=_BATCH_CHARACTERS):
        for item in decode_rows(text):
            number += 1
            if not isinstance(item, dict):
                detail = f"Item {number:,} is not a JSON object."
                raise FileRefused("row_not_object", detail, line=number, sheet=sheet)
            yield _Item(number, item)


def _refuse_json(error: JsonError) -> FileRefused:
    place = _PLACE.match(str(error))
    line, column = (int(place[1]), int(place[2])) if place else (None, None)
    return FileRefused("json_invalid", f"The file is not valid JSON: {error}.", line=line, column=column)
