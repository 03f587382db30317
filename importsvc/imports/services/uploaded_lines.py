"""Lines of the file of an import, mapped as they are there and as its error file has them when it is uploaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from importsvc.errors import InvalidAttribute
from importsvc.files.mapping.document import Mapping as MappingDocument
from importsvc.files.mapping.headers import HeaderIndex
from importsvc.files.mapping.rows import RowMapper
from importsvc.files.reading.tables import ERROR_FILE_HEADERS, Cell, ReadOptions, Table, TableRow
from importsvc.imports.services.error_lines import find_formats
from importsvc.text.display import printable


class UploadedSheet(NamedTuple):
    """A sheet of the uploaded file: how it was read, and its headers."""

    options: ReadOptions
    headers: HeaderIndex


class UploadedRow(NamedTuple):
    """A row of the uploaded file."""

    sheet: UploadedSheet
    cells: Sequence[Cell]


class LineReader:
    """Reads lines of a table of the import's file, as it is and as the error file has it, with the mapping."""

    def __init__(self, mapping: MappingDocument, table: Table) -> None:
        self._mapping = mapping
        self._headers, self._sheet = table.headers, table.sheet
        index = HeaderIndex(table.headers)
        self._mapped = {index.find(header) for column in mapping.in_sheet(table.sheet) for header in column.headers}
        self._mappers: dict[ReadOptions, RowMapper] = {}
        self._orders: dict[ReadOptions, list[int | None]] = {}

    def read(self, line: int, cells: Sequence[Cell], options: ReadOptions) -> dict[str, str]:
        """The rows that the cells of a line give, as JSON by type; ``options`` say in which formats the cells are."""
        if options not in self._mappers:
            self._mappers[options] = RowMapper(
                self._mapping,
                headers=self._headers,
                sheet=self._sheet,
                formats=find_formats(self._mapping, options),
                fold=lambda texts: texts,  # names of a single row
            )
        return self._mappers[options].map_alone(TableRow(line, cells))

    def order(self, row: UploadedRow) -> list[Cell]:
        """The cells of an uploaded row in the order of the table's columns.

        Raises:
            InvalidAttribute: it lacks a column that is mapped.
        """
        index = row.sheet.headers
        positions = self._orders.get(row.sheet.options)
        if positions is None:
            positions = self._orders[row.sheet.options] = [index.find(header) for header in self._headers]
        for number, (header, position) in enumerate(zip(self._headers, positions, strict=True)):
            if position is None and number in self._mapped:
                raise InvalidAttribute(f"The file has no column '{printable(header, 100)}', which the import uses")
        own = [
            row.cells[position]
            if position is not None and position < len(row.cells) and header not in ERROR_FILE_HEADERS
            else None
            for header, position in zip(self._headers, positions, strict=True)
        ]
        return [*own, *row.cells[len(index.headers) :]]
