"""Staged rows read by their numbers, whatever chunks they are in."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import F

from importsvc.errors import RecordNotFound
from importsvc.imports.models import Import, StagedChunk
from importsvc.imports.staging import decode_staged, pick_staged
from importsvc.postgres.compiled_queries import CompiledRecords, Parameter
from importsvc.postgres.copy import array_literal


class StagedRow(NamedTuple):
    """A staged row: its number, its decoded value, and its place in the file that it comes from."""

    row: int
    value: Any
    line: int | None
    sheet: str


def read_rows(import_: Import, type_name: str, rows: Collection[int]) -> list[StagedRow]:
    """The rows of a type that have these numbers, in order, without deleted ones.

    The texts of all their chunks are in memory at once: the caller limits their number.

    Raises:
        ImportDataInvalid: a row is nested too deep for the call stack.
    """
    if not rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rows::text, row_count, sheet, first_row, array_agg(row ORDER BY row),"
            "   array_agg(lines[(row - first_row + 1)::int] ORDER BY row)"
            " FROM unnest(%s::bigint[]) AS row JOIN imports_stagedchunk"
            " ON row >= first_row AND row < first_row + row_count AND row <> ALL(deleted_rows)"
            " WHERE organization_id = %s AND import_id = %s AND record_type = %s"
            # Fewer chunks are compared with each row.
            " AND first_row <= %s AND first_row + row_count > %s"
            " GROUP BY organization_id, import_id, number ORDER BY first_row",
            [
                *(array_literal([str(row) for row in rows]), import_.organization_id, import_.pk, type_name),
                *(max(rows), min(rows)),
            ],
        )
        chunks = cursor.fetchall()
    found: list[StagedRow] = []
    for text, row_count, sheet, first_row, numbers, lines in chunks:
        values = decode_staged(",".join(pick_staged(text, row_count, [row - first_row for row in numbers])))
        found += [StagedRow(row, value, line, sheet) for row, value, line in zip(numbers, values, lines, strict=True)]
    return found


def find_chunk(import_: Import, type_name: str, row: int) -> StagedChunk:
    """The chunk of a row, without its keys.

    Raises:
        RecordNotFound: there is no such row, or it was deleted.
    """
    chunks: list[StagedChunk] = _chunk_of_row().fetch(
        organization=import_.organization_id, import_id=import_.pk, record_type=type_name, row=row
    )
    if not chunks or row in chunks[0].deleted_rows:
        raise RecordNotFound
    return chunks[0]


@cache
def _chunk_of_row() -> CompiledRecords:
    row = Parameter("row")
    chunks = StagedChunk.objects.filter(
        organization_id=Parameter("organization"),
        import_record_id=Parameter("import_id"),
        record_type=Parameter("record_type"),
        first_row__lte=row,
        first_row__gt=row - F("row_count"),
    )
    return CompiledRecords(chunks, without=["keys"])
