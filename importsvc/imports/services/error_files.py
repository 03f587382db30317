"""Error files: the rows that have errors, with the reasons, to be corrected and uploaded again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import groupby
from operator import attrgetter
from typing import BinaryIO, Literal

from importsvc.engine.parse.cells import is_unreadable
from importsvc.engine.schema.importable import normalize_header
from importsvc.errors import Conflict
from importsvc.files import services as files
from importsvc.files.errors import FileUnreadable
from importsvc.files.mapping.parsing import read_mapping
from importsvc.files.reading.opening import open_table
from importsvc.files.reading.tables import (
    CSV,
    ERROR_FILE_HEADERS,
    MAX_COLUMNS,
    Cell,
    FileRefused,
    ReadOptions,
)
from importsvc.files.writing import LONGEST_CELL, TableNotWritable, TableWriter, write_csv, write_xlsx
from importsvc.imports.models import Import, StagedChunk, StagedRowError
from importsvc.imports.services.cell_problems import describe_cell
from importsvc.imports.services.error_lines import (
    ROWS_AT_ONCE,
    find_formats,
    find_sheets_with_errors,
    read_corrected_lines,
    select_rows,
)
from importsvc.imports.services.reverting import find_import
from importsvc.imports.services.row_errors import select_errors
from importsvc.imports.services.row_texts import read_row
from importsvc.imports.services.transactions import require_rows_kept
from importsvc.imports.staging import one_snapshot
from importsvc.spool import SpooledFile, refuse_full_disk
from organizations.models import Organization

ErrorFileFormat = Literal["csv", "xlsx"]


def write_error_file(
    *,
    organization: Organization,
    import_id: int,
    format: ErrorFileFormat,  # noqa: A002 - the field's word
    target: BinaryIO,
    is_kept: bool = True,
) -> int:
    """Write the rows of an import that have errors to a stream, and return their number.

    The first columns are ``import_id``, by which the import is known when the file is uploaded again, ``import_row``,
    which names the rows, and ``import_errors``, the messages. All columns of the file follow, also those that the
    mapping ignores, with the cells as they are in the file. A cell that was corrected since has its new value, if its
    column fills one target without a step. A row of the file is written once, whatever types of rows it gave. Rows that
    come from no file have the columns of the rows; if there are several types, with the type before the name:
    ``person.email``.

    CSV has the separator and the quote of a file of CSV. The file can be uploaded again, for the same mapping.

    Args:
        organization: of the import.
        import_id: the import.
        format: of the error file.
        target: a binary stream that is open for writing. After an error it may have a part of the file.
        is_kept: whether the import stays; the cells of ``import_id`` are blank otherwise.

    Raises:
        RecordNotFound: the organization has no such import.
        ImportPruned, FilePruned: the rows, or the bytes of the file, were deleted.
        Conflict: the format cannot hold the rows.
        FileUnreadable, ImportDataInvalid: the file, or a row, cannot be read any more.
        DiskFull: there is no room for temporary files.
    """
    with one_snapshot():
        import_ = find_import(import_id=import_id, organization=organization)
        require_rows_kept(import_)
        chunks = StagedChunk.objects.filter(organization_id=organization.pk, import_record_id=import_id)
        is_of_file = bool(import_.file_options) and chunks.filter(lines__isnull=False).exists()
        options = [ReadOptions(**each) for each in import_.file_options] if is_of_file else []
        content = SpooledFile()
        if is_of_file:
            content = files.read_file(
                files.find_import_file(organization=organization, file_id=import_.import_file_id or 0)
            )
        try:
            with refuse_full_disk(), _open_writer(format, options, import_, target) as writer:
                id_cell = str(import_id) if is_kept else ""
                if is_of_file:
                    return _write_lines_of_file(import_, id_cell, content, options, writer)
                return _write_rows(import_, id_cell, writer)
        except FileRefused as refused:
            raise FileUnreadable(refused) from refused
        except TableNotWritable as error:
            raise Conflict(str(error)) from error


def _open_writer(
    format_: ErrorFileFormat, options: Sequence[ReadOptions], import_: Import, target: BinaryIO
) -> AbstractContextManager[TableWriter]:
    first = options[0] if options else ReadOptions(CSV)
    if format_ == "xlsx":
        return write_xlsx(target, is_text=first.format == CSV)
    sign = find_formats(read_mapping(import_.mapping), first).decimal_sign if options else None
    return write_csv(target, separator=(first.separator or ",")[0], quote=first.quote or '"', decimal_sign=sign or ".")


def _write_lines_of_file(
    import_: Import, id_cell: str, content: SpooledFile, options: Sequence[ReadOptions], writer: TableWriter
) -> int:
    """The lines of each sheet that has errors; if none has, the headers of the first one."""
    mapping = read_mapping(import_.mapping)
    count = 0
    for each in find_sheets_with_errors(import_, options):
        with open_table(content, each) as table:
            kept = [position for position, header in enumerate(table.headers) if header not in ERROR_FILE_HEADERS]
            writer.begin_sheet(table.sheet, [*ERROR_FILE_HEADERS, *(table.headers[position] for position in kept)])
            for line, cells in read_corrected_lines(import_, table, mapping, find_formats(mapping, each)):
                width = len(table.headers)
                own = [cells[position] if position < len(cells) else None for position in kept]
                writer.write_row([id_cell, *_describe_errors(line.errors), *own, *cells[width:]])
                count += 1
    return count


def _write_rows(import_: Import, id_cell: str, writer: TableWriter) -> int:
    """The rows that have errors of an import whose rows come from no file."""
    errors = select_errors(import_)
    types = set(errors.order_by().values_list("record_type", flat=True).distinct())
    names: dict[tuple[str, str], str] = {}
    for record_type, _, text in _read_rows(import_):
        for name, _ in read_row(text):
            names.setdefault((record_type, normalize_header(name)), name)
            if len(names) > MAX_COLUMNS:
                detail = f"The rows with errors have more than {MAX_COLUMNS:,} columns, which no file may have"
                raise TableNotWritable(detail)
    headers = [f"{record_type}.{name}" if len(types) > 1 else name for (record_type, _), name in names.items()]
    writer.begin_sheet(None, [*ERROR_FILE_HEADERS, *headers])
    positions = {key: position for position, key in enumerate(names)}
    ordered = errors.order_by("record_type", "row", "number").iterator(chunk_size=ROWS_AT_ONCE)
    count = 0
    groups = groupby(ordered, key=attrgetter("record_type", "row"))
    for (record_type, _, text), (_, group) in zip(_read_rows(import_), groups, strict=True):
        cells: list[Cell] = [None] * len(names)
        for name, value in reversed(read_row(text)):
            cells[positions[record_type, normalize_header(name)]] = _show_value(value)
        writer.write_row([id_cell, *_describe_errors(list(group)), *cells])
        count += 1
    return count


def _read_rows(import_: Import) -> Iterator[tuple[str, int, str]]:
    """The type, the number and the text of the rows that have errors."""
    return select_rows(
        "SELECT chunk.record_type, chunk.first_row + item.number - 1 AS row, item.value::text"
        " FROM imports_stagedchunk AS chunk,"
        "  json_array_elements(chunk.rows) WITH ORDINALITY AS item(value, number)"
        " WHERE chunk.organization_id = %s AND chunk.import_id = %s"
        "  AND (chunk.record_type, chunk.first_row + item.number - 1) IN (SELECT record_type, row"
        "   FROM imports_stagedrowerror WHERE organization_id = %s AND import_id = %s)"
        " ORDER BY chunk.record_type, row",
        [import_.organization_id, import_.pk] * 2,
    )


def _describe_errors(errors: Sequence[StagedRowError]) -> tuple[str, str]:
    """The cells ``import_row`` and ``import_errors``: ``company 3, person 5``."""
    rows = dict.fromkeys(f"{error.record_type} {error.row}" for error in errors)
    types = {error.record_type for error in errors}
    messages = dict.fromkeys(
        f"{error.record_type}: {error.message}" if len(types) > 1 else error.message for error in errors
    )
    text = "; ".join(messages)
    return ", ".join(rows), text if len(text) <= LONGEST_CELL // 2 else f"{text[: LONGEST_CELL // 2]}…"


def _show_value(text: str) -> str:
    """The JSON text of a cell as the text of a cell: strings without quotes, nothing for null."""
    if text.startswith('"'):
        return str(json.loads(text))
    if text == "null":
        return ""
    value = json.loads(text) if text.startswith("{") and "$unreadable" in text else None
    return describe_cell(value) if is_unreadable(value) else text
