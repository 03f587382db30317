"""The XML of ODS, as far as it says more than cell values. Pure: no Django, no database."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

from importsvc.files.reading.archives import Archive, damaged, find_tags
from importsvc.files.reading.sheet_rows import MAX_ROWS, SheetRows, SpecialCell
from importsvc.files.reading.tables import MAX_COLUMNS, Fault, make_fault

_CONTENT = "content.xml"
_LONGEST_CELL = 8 << 20

# A longer run of equal rows is how programs fill a sheet up to its last row. Such rows are not counted.
_FILL = 1_000

_TABLES_AND_ROWS = re.compile(rb"<table:table(-row)?(?=[\s/>])([^>]*)>")
_NAME = re.compile(rb'table:name="([^"]*)"')
_HIDDEN = re.compile(rb'table:visibility="(?:collapse|filter)"')
_ROWS_REPEATED = re.compile(rb'table:number-rows-repeated="(\d{1,10})"')
_COLUMNS_REPEATED = re.compile(rb'table:number-columns-repeated="(\d{1,10})"')
_TAGS = re.compile(rb"<table:(table|table-row|table-cell|covered-table-cell)(?=[\s/>])([^>]*)>")
_ERROR = b'calcext:value-type="error"'
_TEXT = re.compile(rb"<text:p[^>]*>([^<]*)<")
_PADDED = re.compile(r"0\d+")


def scan_rows(archive: Archive) -> dict[str, SheetRows]:
    """The rows of every sheet by its name.

    Raises:
        FileRefused: there are too many rows, or the part is damaged.
    """
    if _CONTENT not in archive.names:
        raise damaged()
    sheets: dict[str, SheetRows] = {}
    name, end = "", 0
    for tag in find_tags(archive.read_parts(_CONTENT), _TABLES_AND_ROWS):
        attributes = tag[2]
        if not tag[1]:
            name, end = _find_name(attributes), 0
            sheets[name] = SheetRows()
            continue
        repeated = _count(_ROWS_REPEATED, attributes)
        if repeated > _FILL:
            end += repeated
            continue
        rows = sheets.setdefault(name, SheetRows())
        for number in range(end + 1, min(end + repeated, MAX_ROWS + 1) + 1):
            rows.add(number, is_hidden=bool(_HIDDEN.search(attributes)), sheet=name)
        end += repeated
    return sheets


def find_special_cells(archive: Archive, sheet: str) -> Iterator[SpecialCell]:
    """The cells of a sheet that are errors, or numbers that are shown with leading zeros.

    Raises:
        FileRefused: the part is damaged.
    """
    name, row, next_row, column = "", 0, 1, 0
    found: list[tuple[int, Fault | str]] = []
    rest = b""
    for part in archive.read_parts(_CONTENT):
        content = rest + part
        # The text of a cell follows its tag, so the last cell waits for the next part.
        cut = max(content.rfind(b"<table:table-cell"), content.rfind(b"</table:table>"), 0)
        rest = content[cut:]
        if len(rest) > _LONGEST_CELL:
            raise damaged()
        for tag in _TAGS.finditer(content, 0, cut):
            if tag[1] in (b"table", b"table-row"):
                yield from _repeat(found, row, next_row)
                found, column = [], 0
                if tag[1] == b"table":
                    name, row, next_row = _find_name(tag[2]), 0, 1
                else:
                    row, next_row = next_row, next_row + _count(_ROWS_REPEATED, tag[2])
                continue
            repeated = _count(_COLUMNS_REPEATED, tag[2])
            if name == sheet and (special := _find_content(tag[2], content, tag.end())):
                found += [(at, special) for at in range(column + 1, min(column + repeated, MAX_COLUMNS) + 1)]
            column += repeated
    yield from _repeat(found, row, next_row)


def _repeat(cells: Sequence[tuple[int, Fault | str]], row: int, next_row: int) -> Iterator[SpecialCell]:
    """The special cells of a row, for as many rows as it stands for."""
    if cells:
        for number in range(row, min(next_row, MAX_ROWS + 1)):
            yield from (SpecialCell(number, column, content) for column, content in cells)


def _find_content(attributes: bytes, content: bytes, at: int) -> Fault | str | None:
    """What a cell is beyond its value. ``at`` is after its tag."""
    is_error = _ERROR in attributes
    if not is_error and b'office:value-type="float"' not in attributes:
        return None
    text = _TEXT.search(content, at, content.find(b"</table:table-cell", at))
    shown = html.unescape(text[1].decode(errors="replace")) if text else ""
    if is_error:
        return make_fault(shown or "error")
    return shown if _PADDED.fullmatch(shown) else None


def _find_name(attributes: bytes) -> str:
    match = _NAME.search(attributes)
    return html.unescape(match[1].decode(errors="replace")) if match else ""


def _count(pattern: re.Pattern[bytes], attributes: bytes) -> int:
    match = pattern.search(attributes)
    return max(1, int(match[1])) if match else 1
