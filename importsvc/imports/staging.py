"""Staged rows in the database, written and read chunk by chunk: memory does not depend on their size."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection, transaction
from django.db.models import BigIntegerField, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from importsvc.engine.parse.chunks import RowChunk
from importsvc.imports.models import Import, StagedChunk
from importsvc.imports.rows import ImportRows
from importsvc.postgres.copy import cell, copy_rows

# A chunk has at most 2,000 rows and about 256 kB.
CHUNKS_AT_ONCE = 4

_COLUMNS = ("organization_id", "import_id", "number", "record_type", "first_row", "row_count", "size", "rows")


class StagedRows:
    """The staged rows of an import; see ``ImportRows``."""

    def __init__(self, organization_id: int, import_id: int) -> None:
        """Reads nothing yet."""
        self._chunks = StagedChunk.objects.filter(organization_id=organization_id, import_record_id=import_id)

    @property
    def types(self) -> list[str]:
        """The names of the submitted types in their order, including types without rows."""
        return list(dict.fromkeys(self._chunks.order_by("number").values_list("record_type", flat=True)))

    @property
    def row_count(self) -> int:
        """The number of rows of all types."""
        return self._chunks.aggregate(count=Sum("row_count"))["count"] or 0

    def read(self, type_name: str | None = None) -> Iterator[RowChunk]:
        """The chunks of one type or of all types, in the order in which they were submitted.

        Each query reads a few chunks, so no cursor stays open: the caller may use the connection between two chunks.
        """
        chunks = self._chunks if type_name is None else self._chunks.filter(record_type=type_name)
        last = -1
        while found := list(chunks.filter(number__gt=last).order_by("number")[:CHUNKS_AT_ONCE]):
            for chunk in found:
                yield RowChunk(chunk.record_type, chunk.first_row, chunk.row_count, chunk.rows[1:-1])
            last = found[-1].number


def store_rows(import_: Import, rows: ImportRows) -> None:
    """Replace the staged rows of an import. The caller owns the transaction, and has locked the import."""
    StagedChunk.objects.filter(organization_id=import_.organization_id, import_record_id=import_.pk).delete()
    copy_rows(StagedChunk._meta.db_table, _COLUMNS, _make_lines(import_, rows), lines_at_once=1)


def _make_lines(import_: Import, rows: ImportRows) -> Iterator[str]:
    head = f"{import_.organization_id}\t{import_.pk}"
    for number, chunk in enumerate(rows.read()):
        text = f"[{chunk.text}]"
        size = len(text.encode())
        yield (f"{head}\t{number}\t{chunk.type_name}\t{chunk.first_row}\t{chunk.row_count}\t{size}\t{cell(text)}\n")


def staged_size() -> Coalesce:
    """An expression for querysets of imports: the number of staged bytes, without reading the rows."""
    chunks = StagedChunk.objects.filter(organization_id=OuterRef("organization_id"), import_record=OuterRef("pk"))
    sizes = chunks.order_by().values("import_record").values(size=Sum("size"))
    return Coalesce(Subquery(sizes, output_field=BigIntegerField()), 0)


def read_document(organization_id: int, import_id: int) -> Iterator[str]:
    """The staged rows as one JSON document, part by part: an object with an array of rows for each type.

    All parts are of one snapshot. Outside a transaction this begins one, which ends after the last part.
    """
    is_part = connection.in_atomic_block
    with transaction.atomic():
        if not is_part:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        current, separator = None, ""
        for chunk in StagedRows(organization_id, import_id).read():
            if chunk.type_name != current:
                yield f'{"{" if current is None else "], "}"{chunk.type_name}": ['
                current, separator = chunk.type_name, ""
            if chunk.row_count:
                yield separator + chunk.text
                separator = ","
        yield "{}" if current is None else "]}"
