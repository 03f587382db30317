"""Collects row errors for a terminal, a JSON document and a file. Only the first ones are held in memory."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import xlsxwriter

from importsvc.imports.services import CellProblem, find_cells
from importsvc.text.csv_cells import harmless
from importsvc.text.display import printable

COLUMNS = ("type", "row", "column", "value", "message")
# Of rows that come from a file by a mapping.
MAPPED_COLUMNS = ("type", "row", "sheet", "line", "column", "value", "message")

# The same number as in the API.
DOCUMENTED_ERRORS = 1_000

# Bytes of a temporary file that are held in memory.
IN_MEMORY = 1 << 20

# Excel takes so many rows and characters of a cell.
_SHEET_ROWS = 1 << 20
_CELL_CHARACTERS = 32_767


class Problems:
    """Takes row errors in the order of checking.

    Attributes:
        columns: of the table of row errors.
        count: the number of row errors.
    """

    def __init__(self, *, keep_all: bool, is_mapped: bool = False) -> None:
        """Prepare for the row errors of an import.

        Args:
            keep_all: keep all row errors in temporary files, for ``write``.
            is_mapped: whether the rows come from a file by a mapping, and so have lines.
        """
        self.columns = MAPPED_COLUMNS if is_mapped else COLUMNS
        self.count = 0
        self._keep_all = keep_all
        self._listed: dict[str, list[CellProblem]] = {}
        self._tables: dict[str, Any] = {}

    def add(self, chunk: Any, rows: Sequence[Any], errors: Sequence[Any]) -> None:
        """Add the row errors of a chunk; the arguments are those of ``OnErrors``."""
        self.count += len(errors)
        listed = self._listed.setdefault(chunk.type_name, [])
        for problem in find_cells(chunk, rows, errors):
            if len(listed) < DOCUMENTED_ERRORS:
                listed.append(problem)
            elif not self._keep_all:
                return
            if self._keep_all:
                self._open(chunk.type_name).write(json.dumps(to_cells(problem, self.columns)) + "\n")

    def sort(self, types: Sequence[str]) -> None:
        """List the errors of these types in this order: the one in which they were submitted."""
        self._listed = {name: self._listed[name] for name in types if name in self._listed}

    def list(self) -> list[CellProblem]:
        """The first ``DOCUMENTED_ERRORS`` problems."""
        return [problem for listed in self._listed.values() for problem in listed][:DOCUMENTED_ERRORS]

    def document(self) -> dict[str, Any]:
        """The first problems and the number of all, as members of a JSON document."""
        documented = [{name: getattr(problem, name) for name in self.columns} for problem in self.list()]
        return {"row_errors": documented, "row_error_count": self.count}

    @property
    def shown_columns(self) -> Sequence[str]:
        """Those of ``columns`` that a terminal shows: without the sheet if the file has none."""
        has_sheets = any(problem.sheet for problem in self.list())
        return [name for name in self.columns if name != "sheet" or has_sheets]

    def write(self, file: BinaryIO, *, is_workbook: bool) -> None:
        """Write a table of all problems to the file: as a workbook, or as CSV."""
        rows = self._read_all()
        if is_workbook:
            _write_workbook(file, rows)
        else:
            text = io.TextIOWrapper(file, "utf-8", errors="backslashreplace", newline="")
            csv.writer(text).writerows(map(harmless, cells) for cells in rows)
            text.detach()

    def _read_all(self) -> Iterator[Sequence[str]]:
        yield self.columns
        for name in self._listed:
            self._tables[name].seek(0)
            yield from map(json.loads, self._tables[name])

    def _open(self, type_name: str) -> Any:
        if type_name not in self._tables:
            table = self._tables[type_name] = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed below
                IN_MEMORY, "w+", encoding="ascii", newline="\n"
            )
            weakref.finalize(self, table.close)
        return self._tables[type_name]


def to_cells(problem: CellProblem, columns: Sequence[str]) -> list[str]:
    """A problem as cells of a table with these columns."""
    values = {**problem._asdict(), "value": problem.text}
    return ["" if values[name] is None else str(values[name]) for name in columns]


def _write_workbook(file: BinaryIO, rows: Iterator[Sequence[str]]) -> None:
    with xlsxwriter.Workbook(file, {"constant_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        for number, cells in enumerate(rows):
            if number and number % _SHEET_ROWS == 0:
                sheet = workbook.add_worksheet()
            for position, text in enumerate(cells):
                # As text: a cell that begins with = is no formula.
                sheet.write_string(number % _SHEET_ROWS, position, printable(text, _CELL_CHARACTERS - 1))
