"""Files for tests: bytes that can be opened, workbooks, and what reading makes of them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import xlsxwriter

from importsvc.files.reading.archives import WorkbookLimits
from importsvc.files.reading.detecting import detect
from importsvc.files.reading.opening import open_table
from importsvc.files.reading.tables import Cell, FileRefused, ReadOptions, Source


@dataclass(frozen=True)
class Bytes:
    """A file in memory."""

    content: bytes
    name: str = ""

    @property
    def size(self) -> int:
        return len(self.content)

    def open(self) -> BinaryIO:
        return io.BytesIO(self.content)


@dataclass(frozen=True)
class OnDisk:
    """A file of the system."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def open(self) -> BinaryIO:
        return self.path.open("rb")


def read(source: Source, options: ReadOptions | None = None) -> tuple[list[str], list[tuple[int, list[Cell]]]]:
    """The headers and the rows with their lines, read with what is detected unless the options say otherwise."""
    with open_table(source, options or detect(source).options()) as table:
        return list(table.headers), [(line, list(cells)) for line, cells in table.rows()]


def refuse(source: Source, options: ReadOptions | None = None, limits: WorkbookLimits | None = None) -> FileRefused:
    """The refusal of a file that cannot be detected or read."""
    try:
        used = options or detect(source, limits=limits).options()
        with open_table(source, used, limits=limits) as table:
            for _ in table.rows():
                pass
    except FileRefused as refused:
        return refused
    message = "the file was read"
    raise AssertionError(message)


def make_text(text: str, encoding: str = "utf-8", name: str = "") -> Bytes:
    """A file of text."""
    return Bytes(text.encode(encoding), name)


def make_workbook(
    rows: Sequence[Sequence[Any]] = (),
    *,
    fill: Callable[[Any, Any], object] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Bytes:
    """An XLSX of xlsxwriter with these rows; ``fill`` may write more to the workbook and its sheet."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"default_date_format": "dd.mm.yyyy", **(options or {})}) as workbook:
        sheet = workbook.add_worksheet("Data")
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                write = sheet.write_string if isinstance(cell, str) else sheet.write
                write(number, column, cell)
        if fill:
            fill(workbook, sheet)
    return Bytes(content.getvalue(), "data.xlsx")


def change_part(workbook: Bytes, name: str, change: Callable[[bytes], bytes]) -> Bytes:
    """The workbook with another content of a part."""
    content = io.BytesIO()
    with zipfile.ZipFile(workbook.open()) as archive, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as changed:
        for member in archive.namelist():
            part = archive.read(member)
            changed.writestr(member, change(part) if member == name else part)
    return Bytes(content.getvalue(), workbook.name)


def make_zip(parts: Iterable[tuple[str, bytes]]) -> Bytes:
    """A ZIP archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts:
            archive.writestr(name, part)
    return Bytes(content.getvalue())
