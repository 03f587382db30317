"""The XML of XLSX, as far as it says more than cell values. Pure: no Django, no database."""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from xml.etree import ElementTree

from importsvc.files.reading.archives import Archive, damaged, find_tags
from importsvc.files.reading.number_formats import PaddedFormat, read_format
from importsvc.files.reading.sheet_rows import SheetRows, SpecialCell
from importsvc.files.reading.tables import MAX_COLUMNS, FileRefused, make_fault
from importsvc.text.csv_cells import ANY_ERROR, ERROR_VALUES

_LONGEST_PART = 64 << 20
_LONGEST_ROW = 8 << 20

_RELATIONSHIP = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATIONSHIP = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"

_ROW_NUMBER = re.compile(rb"\br=[\"'](\d{1,10})")
_HIDDEN = re.compile(rb"\bhidden=[\"'](?:1|true)")
_CELL_PLACE = re.compile(rb"\br=[\"']([A-Z]{1,6})(\d{1,10})")
_STYLE = re.compile(rb"\bs=[\"'](\d{1,10})")
_ERROR_TYPE = rb"t=[\"']e[\"']"
_IS_ERROR = re.compile(rb"\b" + _ERROR_TYPE)
_PREFIX = re.compile(rb"<(\w+:)?worksheet\b")


def find_sheets(archive: Archive) -> dict[str, str]:
    """The parts of the sheets by their names.

    Raises:
        FileRefused: the workbook is damaged.
    """
    workbook = next((name for name in sorted(archive.names) if re.fullmatch(r"xl/workbook\d*\.xml", name)), "")
    if not workbook:
        raise damaged()
    relations = f"xl/_rels/{posixpath.basename(workbook)}.rels"
    if relations not in archive.names:
        raise damaged()
    targets = {
        element.get("Id"): posixpath.normpath(posixpath.join("/xl", element.get("Target", ""))).lstrip("/")
        for element in _parse(archive, relations)
        if element.get("TargetMode") != "External"
    }
    sheets = {}
    for element in _parse(archive, workbook).iter():
        if _local(element.tag) == "sheet":
            target = targets.get(element.get(_RELATIONSHIP) or element.get(_STRICT_RELATIONSHIP))
            if target in archive.names:
                sheets[element.get("name", "")] = target
    return sheets


def find_padded_styles(archive: Archive) -> dict[int, PaddedFormat]:
    """The styles of cells whose number format shows leading zeros, by their index."""
    if "xl/styles.xml" not in archive.names:
        return {}
    root = _parse(archive, "xl/styles.xml")
    formats = {
        element.get("numFmtId"): read_format(element.get("formatCode", ""))
        for element in root.iter()
        if _local(element.tag) == "numFmt"
    }
    styles = next((element for element in root if _local(element.tag) == "cellXfs"), ())
    found = ((index, formats.get(style.get("numFmtId"))) for index, style in enumerate(styles))
    return {index: format_ for index, format_ in found if format_}


def scan_rows(archive: Archive, part: str, *, sheet: str) -> SheetRows:
    """The rows of a sheet.

    Raises:
        FileRefused: there are too many rows or columns, or the part is damaged.
    """
    prefix = _find_prefix(archive, part)
    # A column of three letters may be beyond the limit. Cells without content do not count.
    tags = re.compile(rb'<%b(?:row\b[^>]*|c r="([A-Z]{3,6})(\d{1,10})"(?:[^>]*[^/>])?)>' % prefix)
    rows = SheetRows()
    for tag in find_tags(archive.read_parts(part), tags):
        if tag[1]:
            column = find_column(tag[1])
            if column > MAX_COLUMNS:
                detail = (
                    f"The sheet '{sheet}' has a value in column {tag[1].decode()}; {MAX_COLUMNS:,} columns are read."
                )
                raise FileRefused("too_many_columns", detail, line=int(tag[2]), column=column, sheet=sheet)
            continue
        number = _ROW_NUMBER.search(tag[0])
        rows.add(int(number[1]) if number else rows.last + 1, is_hidden=bool(_HIDDEN.search(tag[0])), sheet=sheet)
    return rows


def find_special_cells(archive: Archive, part: str, styles: dict[int, PaddedFormat]) -> Iterator[SpecialCell]:
    """The cells of a sheet that are errors, or have one of these styles.

    Raises:
        FileRefused: the part is damaged.
    """
    tags = _Tags(archive, part)
    numbers = b"|".join(str(style).encode() for style in styles)
    cells = tags.find_cells(_ERROR_TYPE + (rb"|s=[\"'](?:%b)[\"']" % numbers if styles else b""))
    for content in _read_whole_cells(archive, part, tags):
        for cell in cells.finditer(content):
            place, style = _CELL_PLACE.search(cell[1]), _STYLE.search(cell[1])
            if not place:
                continue
            row, column = int(place[2]), find_column(place[1])
            if column > MAX_COLUMNS:
                continue
            if _IS_ERROR.search(cell[1]):
                text = tags.find_value(content, cell)
                yield SpecialCell(
                    row, column, make_fault(html.unescape(text[1].decode(errors="replace")) if text else "error")
                )
            elif style and int(style[1]) in styles:
                yield SpecialCell(row, column, styles[int(style[1])])


def find_newer_errors(archive: Archive, parts: Iterable[str]) -> set[str]:
    """The sheets among these parts that have errors beside ``ERROR_VALUES``.

    Raises:
        FileRefused: a part is damaged.
    """
    known = {error.encode() for error in ERROR_VALUES}
    return {part for part in parts if any(value[1] not in known for value in _find_errors(archive, part))}


def replace_newer_errors(archive: Archive, part: str) -> Iterator[bytes]:
    """The content of a sheet with ``ANY_ERROR`` in place of errors beside ``ERROR_VALUES``.

    Raises:
        FileRefused: the part is damaged.
    """
    known = {error.encode() for error in ERROR_VALUES}
    tags = _Tags(archive, part)
    cells = tags.find_cells(_ERROR_TYPE)
    for content in _read_whole_cells(archive, part, tags):
        written = 0
        for cell in cells.finditer(content):
            value = tags.find_value(content, cell)
            if value and value[1] not in known:
                yield content[written : value.start(1)] + ANY_ERROR.encode()
                written = value.end(1)
        yield content[written:]


def _find_errors(archive: Archive, part: str) -> Iterator[re.Match[bytes]]:
    tags = _Tags(archive, part)
    cells = tags.find_cells(_ERROR_TYPE)
    for content in _read_whole_cells(archive, part, tags):
        for cell in cells.finditer(content):
            if value := tags.find_value(content, cell):
                yield value


class _Tags:
    """The tags of the cells of a sheet."""

    def __init__(self, archive: Archive, part: str) -> None:
        self._prefix = _find_prefix(archive, part)
        self._value = re.compile(rb"<%bv[^>]*>([^<]*)<" % self._prefix)
        self.end = b"</%bc>" % self._prefix

    def find_cells(self, wanted: bytes) -> re.Pattern[bytes]:
        """A pattern of tags that begin a cell with one of the wanted attributes."""
        return re.compile(rb"<%bc\s(?=[^>]*\b(?:%b))([^>]*[^/>])>" % (self._prefix, wanted))

    def find_value(self, content: bytes, cell: re.Match[bytes]) -> re.Match[bytes] | None:
        """The value of the cell that a tag begins."""
        return self._value.search(content, cell.end(), content.find(self.end, cell.end()))


def _read_whole_cells(archive: Archive, part: str, tags: _Tags) -> Iterator[bytes]:
    """The content of a sheet in parts, none of which ends within a cell."""
    rest = b""
    for content in archive.read_parts(part):
        content = rest + content
        cut = content.rfind(tags.end) + len(tags.end)
        if cut < len(tags.end):
            cut = 0
        rest = content[cut:]
        if len(rest) > _LONGEST_ROW:
            raise damaged()
        yield content[:cut]
    yield rest


@lru_cache(maxsize=2_000)
def find_column(letters: bytes) -> int:
    """The number of a column, from 1, by its letters."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number


def _find_prefix(archive: Archive, part: str) -> bytes:
    """The namespace prefix of the tags of a sheet, with its colon; usually empty."""
    start = next(archive.read_parts(part), b"")
    match = _PREFIX.search(start)
    return match[1] or b"" if match else b""


def _parse(archive: Archive, name: str) -> ElementTree.Element:
    content = bytearray()
    for part in archive.read_parts(name):
        content += part
        if len(content) > _LONGEST_PART:
            raise damaged()
    try:
        return ElementTree.fromstring(bytes(content))  # noqa: S314 - as above
    except (ElementTree.ParseError, LookupError, ValueError):  # the latter two: an encoding that is not known
        raise damaged() from None


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
