"""Staged rows in the database, written and read chunk by chunk: memory does not depend on their size."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.models import BigIntegerField, OuterRef, QuerySet, Sum
from django.db.models.functions import Coalesce

from importsvc.engine.parse.chunks import RowChunk
from importsvc.imports.errors import ImportDataInvalid
from importsvc.imports.models import Import, QueuedChunk, StagedChunk
from importsvc.imports.rows import ImportRows
from importsvc.operations.models import Operation
from importsvc.postgres.copy import NULL, bytea_cell, cell, copy_rows
from importsvc.text.json_rows import decode_rows, pick_items, split_items
from importsvc.text.json_stream import JsonError
from organizations.tenancy import TenantSubquery

# A chunk has at most 2,000 rows and about 256 kB.
CHUNKS_AT_ONCE = 4

_CHUNK_COLUMNS = ("number", "record_type", "first_row", "row_count", "size", "rows")
_SURROGATE = re.compile("[\ud800-\udfff]")


class _StoredRows:
    """Rows in chunks of a table; see ``ImportRows``."""

    def __init__(self, chunks: QuerySet[Any]) -> None:
        """Reads nothing yet."""
        self._chunks = chunks

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
                yield self._make_chunk(chunk)
            last = found[-1].number

    def _make_chunk(self, chunk: Any) -> RowChunk:
        raise NotImplementedError


class StagedRows(_StoredRows):
    """The staged rows of an import."""

    def __init__(self, organization_id: int, import_id: int) -> None:
        chunks = StagedChunk.objects.filter(organization_id=organization_id, import_record_id=import_id)
        super().__init__(chunks.defer("keys", "unknown_columns"))

    def _make_chunk(self, chunk: StagedChunk) -> RowChunk:
        return RowChunk(
            chunk.record_type,
            chunk.first_row,
            chunk.row_count,
            chunk.rows[1:-1],
            chunk.lines,
            chunk.sheet,
            tuple(chunk.deleted_rows),
        )


class QueuedRows(_StoredRows):
    """The rows of a queued operation."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        super().__init__(
            QueuedChunk.objects.filter(organization_id=operation.organization_id, operation_id=operation.pk)
        )

    def stage(self, import_: Import) -> None:
        """Copy the rows, which have no errors, to those of the import. COPY would need a connection to read them."""
        columns = "organization_id, number, record_type, first_row, row_count, size"
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO imports_stagedchunk (import_id, rows, {columns})"  # noqa: S608 - they are constants
                f" SELECT %s, convert_from(rows, 'UTF8')::json, {columns} FROM imports_queuedchunk"
                " WHERE organization_id = %s AND operation_id = %s",
                [import_.pk, self._operation.organization_id, self._operation.pk],
            )

    def _make_chunk(self, chunk: QueuedChunk) -> RowChunk:
        text = bytes(chunk.rows).decode("utf-8", "surrogatepass")
        return RowChunk(chunk.record_type, chunk.first_row, chunk.row_count, text[1:-1])


def store_rows(import_: Import, rows: ImportRows, *, may_have_errors: bool = False) -> None:
    """Replace the staged rows of an import. The caller owns the transaction, and has locked the import.

    Rows that ``may_have_errors`` may have halves of surrogate pairs, which are stored as escapes.
    """
    StagedChunk.objects.filter(organization_id=import_.organization_id, import_record_id=import_.pk).delete()
    if isinstance(rows, QueuedRows) and not may_have_errors:
        rows.stage(import_)
        return
    head = f"{import_.organization_id}\t{import_.pk}"
    chunks = enumerate(rows.read())
    # COPY would need the connection of queued rows.
    parts: Iterable[Iterable[tuple[int, RowChunk]]] = (
        ([each] for each in chunks) if isinstance(rows, QueuedRows) else [chunks]
    )
    for part in parts:
        copy_rows(
            StagedChunk._meta.db_table,
            ("organization_id", "import_id", *_CHUNK_COLUMNS, "sheet", "lines"),
            (f"{_make_line(head, number, chunk, _to_json)}\t{_write_place(chunk)}\n" for number, chunk in part),
            lines_at_once=1,
        )


def queue_rows(operation: Operation, rows: ImportRows) -> None:
    """Store the rows of an operation that is queued in the caller's transaction."""
    head = f"{operation.organization_id}\t{operation.pk}"
    copy_rows(
        QueuedChunk._meta.db_table,
        ("organization_id", "operation_id", *_CHUNK_COLUMNS),
        (f"{_make_line(head, number, chunk, _to_bytea)}\n" for number, chunk in enumerate(rows.read())),
        lines_at_once=1,
    )


def discard_rows(operation: Operation) -> None:
    """Delete the rows of an operation."""
    QueuedChunk.objects.filter(organization_id=operation.organization_id, operation_id=operation.pk).delete()


def _make_line(head: str, number: int, chunk: RowChunk, encode: Callable[[str], str]) -> str:
    text = f"[{chunk.text}]"
    size = len(text.encode("utf-8", "surrogatepass"))
    return f"{head}\t{number}\t{chunk.type_name}\t{chunk.first_row}\t{chunk.row_count}\t{size}\t{encode(text)}"


def _write_place(chunk: RowChunk) -> str:
    lines = NULL if chunk.lines is None else f"{{{','.join(map(str, chunk.lines))}}}"
    return f"{cell(chunk.sheet)}\t{lines}"


def escape_surrogates(text: str) -> str:
    """JSON with escapes in place of halves of surrogate pairs, which UTF-8 cannot encode. The value is the same."""
    if text.isascii() or _SURROGATE.search(text) is None:
        return text
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _to_json(text: str) -> str:
    return cell(escape_surrogates(text))


def _to_bytea(text: str) -> str:
    return bytea_cell(text.encode("utf-8", "surrogatepass"))


def staged_size() -> Coalesce:
    """An expression for querysets of imports: the number of staged bytes, without reading the rows."""
    chunks = StagedChunk.objects.filter(organization_id=OuterRef("organization_id"), import_record=OuterRef("pk"))
    sizes = chunks.order_by().values("import_record").values(size=Sum("size"))
    return Coalesce(TenantSubquery(sizes, output_field=BigIntegerField()), 0)


def decode_staged(text: str) -> list[Any]:
    """The rows of a chunk, from its text.

    Raises:
        ImportDataInvalid: a row is nested too deep for the call stack.
    """
    try:
        return decode_rows(text)
    except JsonError as error:
        raise ImportDataInvalid(f"is not valid JSON: {error}") from None


def split_staged(chunk: StagedChunk) -> list[str]:
    """The text of each row of a chunk, ``{}`` for a deleted one.

    Raises:
        ImportDataInvalid: a row is nested too deep for the call stack.
    """
    try:
        return split_items(chunk.rows[1:-1], chunk.row_count)
    except JsonError as error:
        raise ImportDataInvalid(f"is not valid JSON: {error}") from None


def pick_staged(text: str, row_count: int, indexes: Iterable[int]) -> list[str]:
    """The texts of some rows of a chunk, from its text. The rest is as for ``split_staged``."""
    try:
        return pick_items(text[1:-1], row_count, indexes)
    except JsonError as error:
        raise ImportDataInvalid(f"is not valid JSON: {error}") from None


def leave_out_deleted(chunk: RowChunk) -> str:
    """The text of a chunk's rows that were not deleted."""
    if not chunk.deleted:
        return chunk.text
    deleted = {row - chunk.first_row for row in chunk.deleted}
    texts = split_items(chunk.text, chunk.row_count)
    return ",".join(text for index, text in enumerate(texts) if index not in deleted)


@contextmanager
def one_snapshot() -> Iterator[None]:
    """A transaction whose queries see the same data; in another transaction a part of that one."""
    is_part = connection.in_atomic_block
    with transaction.atomic():
        if not is_part:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def read_document(organization_id: int, import_id: int) -> Iterator[str]:
    """The staged rows as one JSON document, part by part: an object with an array of rows for each type.

    All parts are of one snapshot. Outside a transaction this begins one, which ends after the last part.
    """
    with one_snapshot():
        current, separator = None, ""
        for chunk in StagedRows(organization_id, import_id).read():
            if chunk.type_name != current:
                yield f'{"{" if current is None else "], "}"{chunk.type_name}": ['
                current, separator = chunk.type_name, ""
            text = leave_out_deleted(chunk)
            if text:
                yield separator + text
                separator = ","
        yield "{}" if current is None else "]}"
