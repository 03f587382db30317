"""Tables of workbooks: their cells come from a process of its own, see ``workbook_child``. Pure: no Django."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from datetime import date, datetime, time
from itertools import starmap
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from importsvc.files.reading import ods, xlsx
from importsvc.files.reading.archives import Archive, WorkbookLimits, damaged, encrypted, is_xml
from importsvc.files.reading.detection import DetectedSheet
from importsvc.files.reading.sheet_rows import MAX_ROWS, SheetRows, correct_rows, refuse_rows
from importsvc.files.reading.tables import (
    ODS,
    Cell,
    Fault,
    FileRefused,
    ReadOptions,
    Source,
    TableRow,
    check_width,
    is_blank,
    name_columns,
    number_columns,
    refuse_header,
)

_CHILD = Path(__file__).with_name("workbook_child.py")


class WorkbookTable:
    """A sheet of a workbook. Rows after the last one that has a value are left out."""

    def __init__(self, source: Source, options: ReadOptions, limits: WorkbookLimits | None = None) -> None:
        """Check the workbook, and read the header.

        Raises:
            FileRefused: the workbook or its sheet cannot be read.
        """
        self._workbook = _Workbook(source, options.format, limits or WorkbookLimits())
        try:
            self.sheet: str | None = self._workbook.start(options.sheet, is_sample=False).sheet
            self._rows = _drop_trailing_blanks(self._workbook.read_rows())
            self.headers: Sequence[str] = self._read_header(options.header_row)
        except BaseException:
            self.close()
            raise

    def rows(self) -> Iterator[TableRow]:
        """The rows below the header."""
        width = len(self.headers)
        for row in self._rows:
            if len(row.cells) > width:
                check_width(len(row.cells), sheet=self.sheet)
            yield row

    def close(self) -> None:
        """End the process, and close the file."""
        self._workbook.close()

    def _read_header(self, wanted: int) -> list[str]:
        if not wanted:
            before: list[TableRow] = []
            for row in self._rows:
                before.append(row)
                if row.cells:
                    break
            rest = self._rows
            self._rows = (row for rows in (before, rest) for row in rows)
            return number_columns(len(before[-1].cells) if before else 0)
        for row in self._rows:
            if row.line >= wanted:
                return name_columns(row.cells)
        raise refuse_header(wanted, sheet=self.sheet)


class WorkbookSample(NamedTuple):
    """All sheets of a workbook, and some rows of one of them: from its start, its middle and its end."""

    sheets: list[DetectedSheet]
    sheet: str | None
    rows: list[TableRow]


def sample_workbook(
    source: Source, *, format_: str, sheet: str | None, limits: WorkbookLimits | None = None
) -> WorkbookSample:
    """Describe a workbook. Without a name, the sheet is the first visible one that has a value.

    Raises:
        FileRefused: the workbook cannot be read, or has no such sheet.
    """
    workbook = _Workbook(source, format_, limits or WorkbookLimits())
    try:
        found = workbook.scan_rows()
        started = workbook.start(sheet, is_sample=True)
        rows = list(workbook.read_rows())
    finally:
        workbook.close()
    sheets = [_describe(name, end, found.get(name, SheetRows())) for name, end in started.ends.items()]
    return WorkbookSample(sheets, started.sheet, rows)


class _Started(NamedTuple):
    """The rows that each sheet has up to its last value, and the sheet that is read."""

    ends: dict[str, int]
    sheet: str | None


class _Workbook:
    """A checked workbook, and the process that reads it."""

    def __init__(self, source: Source, format_: str, limits: WorkbookLimits) -> None:
        self._limits = limits
        self._is_ods = format_ == ODS
        self._process: subprocess.Popen[bytes] | None = None
        with ExitStack() as stack:
            self._file = stack.enter_context(_open_file(source))
            self._archive = Archive(self._file, limits)
            self._archive.check()
            self._parts = {} if self._is_ods else xlsx.find_sheets(self._archive)
            with_errors = self._archive.with_errors.intersection(self._parts.values())
            newer = xlsx.find_newer_errors(self._archive, with_errors)
            # The library refuses a workbook with an error that it does not know.
            self._read = stack.enter_context(_replace_newer_errors(self._archive, newer)) if newer else self._file
            self._stack = stack.pop_all()
        self._sheet: str | None = None

    def scan_rows(self) -> dict[str, SheetRows]:
        """The rows of every sheet as the file has them."""
        if self._is_ods:
            return ods.scan_rows(self._archive)
        return {name: xlsx.scan_rows(self._archive, part, sheet=name) for name, part in self._parts.items()}

    def start(self, sheet: str | None, *, is_sample: bool) -> _Started:
        """Start the process, and learn which sheet it reads."""
        self._read.seek(0)
        arguments = {
            "sheet": sheet,
            "sample": is_sample,
            "memory": self._limits.memory_bytes,
            "seconds": self._limits.processor_seconds,
        }
        self._process = subprocess.Popen(  # noqa: S603 - no shell
            [sys.executable, "-I", str(_CHILD), json.dumps(arguments)],
            stdin=self._read,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
        )
        first = next(self._read_output(), None)
        if first is None:
            raise damaged()
        ends = dict(first["sheets"])
        if sheet is not None and sheet not in ends:
            names = ", ".join(f"'{name}'" for name in ends)
            raise FileRefused("sheet_unknown", f"The workbook has no sheet '{sheet}'; it has {names}.", sheet=sheet)
        self._sheet = first["sheet"]
        if self._sheet and ends[self._sheet] > MAX_ROWS:
            raise refuse_rows(self._sheet)
        return _Started(ends, self._sheet)

    def read_rows(self) -> Iterator[TableRow]:
        """The rows that the process writes, with errors and leading zeros."""
        rows = (row for batch in self._read_output() for row in _read_batch(batch))
        if self._sheet is None:
            return rows
        if self._is_ods:
            return correct_rows(rows, ods.find_special_cells(self._archive, self._sheet))
        part, styles = self._parts.get(self._sheet), xlsx.find_padded_styles(self._archive)
        if part is None or not (styles or part in self._archive.with_errors):
            return rows
        return correct_rows(rows, xlsx.find_special_cells(self._archive, part, styles))

    def close(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            if self._process.stdout:
                self._process.stdout.close()
        self._stack.close()

    def _read_output(self) -> Iterator[Any]:
        """The values that the process writes.

        Raises:
            FileRefused: the process reports an error, or dies.
        """
        process = self._process
        if process is None or process.stdout is None:
            return
        for line in process.stdout:
            if not line.endswith(b"\n"):  # the process died while it wrote
                break
            value = json.loads(line)
            if isinstance(value, dict) and "error" in value:
                raise self._refuse(value["error"])
            yield value
        if process.wait() != 0:
            raise self._refuse("memory")

    def _refuse(self, error: str) -> FileRefused:
        if error == "password":
            return encrypted()
        if error == "damaged":
            return damaged()
        detail = (
            "Reading the workbook takes too much memory or time. Often a value stands far from the table: "
            "delete it, or save the sheet as .csv."
        )
        return FileRefused("workbook_too_large", detail)


def _open_file(source: Source) -> BinaryIO:
    """The file for another process: itself, if it is one of the system, or a temporary copy."""
    stream = source.open()
    try:
        stream.fileno()
    except (OSError, AttributeError):
        with stream:
            copy = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
            shutil.copyfileobj(stream, copy, 1 << 20)
            copy.seek(0)
            return copy
    return stream


def _replace_newer_errors(archive: Archive, sheets: Collection[str]) -> BinaryIO:
    """A copy of a workbook, in which these sheets have the errors that every program knows."""
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    with zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as written:
        for name in sorted(archive.names):
            if is_xml(name):
                with written.open(name, "w") as member:
                    parts = xlsx.replace_newer_errors(archive, name) if name in sheets else archive.read_parts(name)
                    member.writelines(parts)
    return copy


def _describe(name: str, end: int, rows: SheetRows) -> DetectedSheet:
    return DetectedSheet(
        name=name,
        row_count=end,
        hidden_row_count=rows.count_hidden(end),
        trailing_blank_row_count=rows.count_after(end),
    )


def _drop_trailing_blanks(rows: Iterator[TableRow]) -> Iterator[TableRow]:
    blank: list[int] = []
    for row in rows:
        if all(map(is_blank, row.cells)):
            blank.append(row.line)
            continue
        yield from (TableRow(line, ()) for line in blank)
        blank.clear()
        yield row


def _read_batch(batch: dict[str, Any]) -> Iterator[TableRow]:
    rows: list[tuple[int, list[Cell]]] = batch["rows"]
    for index, at, kind in batch["typed"]:
        cells = rows[index][1]
        cells[at] = _TYPES[kind](cells[at])
    return starmap(TableRow, rows)


def _make_fault(text: str) -> Fault:
    return Fault(text, "is not a finite number")


_TYPES: dict[str, Callable[[Any], Cell]] = {
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "time": time.fromisoformat,
    "fault": _make_fault,
}
