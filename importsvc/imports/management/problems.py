"""Collects row errors for a terminal, a JSON document and a CSV file. Only the first ones are held in memory."""

from __future__ import annotations

import csv
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from typing import Any, TextIO

from importsvc.imports.services import CellProblem, find_cells
from importsvc.text.csv_cells import harmless

COLUMNS = ("type", "row", "column", "value", "message")

# The same number as in the API.
DOCUMENTED_ERRORS = 1_000

# Bytes of a CSV file that are held in memory.
IN_MEMORY = 1 << 20


class Problems:
    """Takes row errors in the order of checking, and returns them in the order in which the types were submitted."""

    def __init__(self, *, keep_all: bool) -> None:
        """``write`` needs ``keep_all``, which writes all row errors to temporary files."""
        self._keep_all = keep_all
        self._listed: dict[str, list[CellProblem]] = {}
        self._tables: dict[str, Any] = {}

    def add(self, type_name: str, first_row: int, rows: Sequence[Any], errors: Sequence[Any]) -> None:
        """Add the row errors of a chunk; the arguments are those of ``OnErrors``."""
        listed = self._listed.setdefault(type_name, [])
        for problem in find_cells(type_name, first_row, rows, errors):
            if len(listed) < DOCUMENTED_ERRORS:
                listed.append(problem)
            elif not self._keep_all:
                return
            if self._keep_all:
                csv.writer(self._open(type_name)).writerow(map(harmless, to_cells(problem)))

    def list(self, types: Sequence[str]) -> list[CellProblem]:
        """The first ``DOCUMENTED_ERRORS`` problems."""
        return [problem for name in types for problem in self._listed.get(name, [])][:DOCUMENTED_ERRORS]

    def write(self, file: TextIO | None, types: Sequence[str]) -> None:
        """Append a line of CSV for each problem to the file, if there is a file."""
        for name in types:
            if file is not None and name in self._tables:
                self._tables[name].seek(0)
                shutil.copyfileobj(self._tables[name], file)

    def _open(self, type_name: str) -> Any:
        if type_name not in self._tables:
            table = self._tables[type_name] = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed below
                IN_MEMORY, "w+", encoding="utf-8", errors="backslashreplace", newline=""
            )
            weakref.finalize(self, table.close)
        return self._tables[type_name]


def to_cells(problem: CellProblem) -> list[str]:
    """A problem as cells of a table with ``COLUMNS``."""
    return [problem.type, str(problem.row), problem.column or "", problem.text, problem.message]
