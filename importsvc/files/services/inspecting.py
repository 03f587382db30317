"""What forms show of a stored file: its first rows, and what its columns may fill and do fill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

from importsvc.files.detecting import read_column, read_detection
from importsvc.files.errors import FileUnreadable
from importsvc.files.mapping import editing
from importsvc.files.mapping.targets import Target, get_targets
from importsvc.files.models import ImportFile
from importsvc.files.reading.opening import open_table
from importsvc.files.reading.tables import FileRefused, show_cell
from importsvc.files.services.files import read_file


class FirstRow(NamedTuple):
    """A row of a file as it is read: its line, its cells as text, and whether it is the header."""

    line: int
    cells: Sequence[str]
    is_header: bool


def read_first_rows(file: ImportFile, *, below_header: int) -> list[FirstRow]:
    """The rows of the sheet in use from the first one to so many below the header. JSON has no row for its header.

    Raises:
        FilePruned: the bytes of the file were deleted.
        FileUnreadable: the rows cannot be read.
    """
    content = read_file(file)
    options = read_detection(file).options()
    last = options.header_row + below_header
    try:
        with open_table(content, replace(options, header_row=0)) as table:
            rows = [row for row in islice(table.rows(), last) if row.line <= last]
    except FileRefused as refused:
        raise FileUnreadable(refused) from refused
    return [FirstRow(row.line, [show_cell(cell) for cell in row.cells], row.line == options.header_row) for row in rows]


def list_targets() -> list[Target]:
    """What columns of files may fill, type by type; also members of those whose kind is ``object``."""
    return get_targets()


def find_choices(file: ImportFile, document: Mapping[str, Any]) -> dict[str, list[str] | None]:
    """What a mapping document says of each header of the file: its targets, none, or ``None`` if it says nothing."""
    return editing.find_chosen(document, [column["header"] for column in file.columns])


def choose_columns(
    file: ImportFile,
    document: Mapping[str, Any],
    *,
    chosen: Mapping[str, Sequence[str] | None],
    joins: bool = False,
) -> dict[str, Any]:
    """A mapping document for the file, in which each header fills the chosen targets; see ``choose_targets``."""
    columns = [read_column(column) for column in file.columns]
    return editing.choose_targets(document, columns=columns, chosen=chosen, joins=joins)
