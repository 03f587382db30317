"""The lines of a file that have errors: what an error file has of them, and the staged rows that they gave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import connection

from importsvc.files.mapping.document import Formats, Mapping
from importsvc.files.mapping.problems import get_formats
from importsvc.files.reading.tables import Cell, ReadOptions, Table
from importsvc.imports.models import Import, StagedRowError
from importsvc.imports.services.corrected_cells import Corrector, StagedCells
from importsvc.imports.services.row_errors import select_errors
from importsvc.imports.staging import decode_staged

ROWS_AT_ONCE = 500


class Line(NamedTuple):
    """A line of the file with its errors, and the staged rows that it gave."""

    number: int
    errors: list[StagedRowError]
    staged: list[StagedCells]


def find_sheets_with_errors(import_: Import, options: Sequence[ReadOptions]) -> Sequence[ReadOptions]:
    """The options of each sheet that has errors; if none has, those of the first one."""
    with_errors = set(select_errors(import_).order_by().values_list("sheet", flat=True).distinct())
    return [each for each in options if (each.sheet or "") in with_errors] or options[:1]


def read_corrected_lines(
    import_: Import, table: Table, mapping: Mapping, formats: Formats, *, needs_staged: bool = False
) -> Iterator[tuple[Line, Sequence[Cell]]]:
    """The lines of a table that have errors, with their cells: those that were corrected since with their new values.

    ``formats`` are those by which the table was read for the import. The staged rows are read if any were corrected, or
    if the caller ``needs_staged``.
    """
    is_corrected = import_.staged_at is not None
    joined = _join_lines(import_, table, reads_staged=is_corrected or needs_staged)
    if not is_corrected:
        yield from joined
        return
    corrector = Corrector(mapping, headers=table.headers, sheet=table.sheet, formats=formats)
    for line, cells in joined:
        yield line, corrector.correct(cells, line.staged)


def find_formats(mapping: Mapping, options: ReadOptions) -> Formats:
    """The formats by which a table's texts are read."""
    return mapping.formats.or_else(get_formats(options))


def select_rows(statement: str, parameters: Sequence[Any]) -> Iterator[Any]:
    """The rows of a query, from a cursor of the database."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, parameters)
        while found := cursor.fetchmany(ROWS_AT_ONCE):
            yield from found


def _join_lines(import_: Import, table: Table, *, reads_staged: bool) -> Iterator[tuple[Line, Sequence[Cell]]]:
    """The lines of a table that have errors, with their cells. Both come in the order of the lines."""
    lines = _read_lines(import_, table.sheet or "", reads_staged=reads_staged)
    line = next(lines, None)
    for row in table.rows():
        if line is None:
            return
        if row.line == line.number:
            yield line, row.cells
            line = next(lines, None)


def _read_lines(import_: Import, sheet: str, *, reads_staged: bool) -> Iterator[Line]:
    errors = select_errors(import_).filter(sheet=sheet, line__isnull=False)
    ordered = errors.order_by("line", "record_type", "row", "number").iterator(chunk_size=ROWS_AT_ONCE)
    staged = groupby(_read_staged(import_, sheet) if reads_staged else (), key=lambda row: row[0])
    current: tuple[Any, Iterable[Any]] | None = next(staged, None)
    for number, group in groupby(ordered, key=attrgetter("line")):
        found: list[StagedCells] = []
        if current is not None and current[0] == number:
            found = [StagedCells(record_type, row, decode_staged(text)[0]) for _, record_type, row, text in current[1]]
            current = next(staged, None)
        yield Line(number, list(group), found)


def _read_staged(import_: Import, sheet: str) -> Iterator[tuple[int, str, int, str]]:
    """The line, the type, the number and the text of the staged rows of lines that have errors."""
    return select_rows(
        "SELECT item.line, chunk.record_type, chunk.first_row + item.number - 1, item.value::text"
        " FROM imports_stagedchunk AS chunk,"
        "  ROWS FROM (unnest(chunk.lines), json_array_elements(chunk.rows))"
        "   WITH ORDINALITY AS item(line, value, number)"
        " WHERE chunk.organization_id = %s AND chunk.import_id = %s AND chunk.sheet = %s"
        "  AND NOT chunk.first_row + item.number - 1 = ANY (chunk.deleted_rows)"
        "  AND item.line IN (SELECT line FROM imports_stagedrowerror"
        "   WHERE organization_id = %s AND import_id = %s AND sheet = %s)"
        " ORDER BY item.line, chunk.number, item.number",
        [import_.organization_id, import_.pk, sheet] * 2,
    )
