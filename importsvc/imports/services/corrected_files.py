"""A corrected error file merged into the import that it is of: each row is found by ``import_row``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from importsvc.engine.parse.cells import is_unreadable
from importsvc.engine.schema import registry
from importsvc.errors import Conflict, InvalidAttribute
from importsvc.files import services as files
from importsvc.files.detecting import detect_file, read_detection
from importsvc.files.errors import FileUnreadable
from importsvc.files.mapping.headers import HeaderIndex
from importsvc.files.mapping.parsing import read_mapping
from importsvc.files.models import ImportFile
from importsvc.files.reading.opening import open_table
from importsvc.files.reading.tables import (
    ERROR_FILE_HEADERS,
    Cell,
    FileRefused,
    ReadOptions,
    Table,
    TableRow,
    is_blank,
    show_cell,
)
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services.cell_problems import find_cell
from importsvc.imports.services.corrections import RowCorrection, correct_rows
from importsvc.imports.services.error_lines import (
    Line,
    find_formats,
    find_sheets_with_errors,
    read_corrected_lines,
)
from importsvc.imports.services.reverting import find_import
from importsvc.imports.services.transactions import require_rows_kept, require_state
from importsvc.imports.services.uploaded_lines import LineReader, UploadedRow, UploadedSheet
from importsvc.imports.staging import decode_staged, one_snapshot
from importsvc.spool import SpooledFile
from importsvc.text.display import printable
from importsvc.text.strict_json import is_same_value
from organizations.models import Organization
from people.models import Person

# Rows of the file that are merged; they are in memory.
LARGEST = 10_000

# The type and the number of a staged row.
Place = tuple[str, int]


class _Pair(NamedTuple):
    """A line that has errors, its cells and how they were read, and the row of the uploaded file that names it."""

    reader: LineReader
    options: ReadOptions
    line: Line
    cells: Sequence[Cell]
    uploaded: UploadedRow


def correct_from_file(
    *,
    organization: Organization,
    creator: Person,
    import_id: int,
    content: SpooledFile,
    name: str = "",
    content_type: str = "",
    if_match: Collection[str] | None = None,
) -> tuple[Import, int]:
    """Correct the staged rows of an import from its error file; return the import and the number of corrected rows.

    A row of the file is compared with what the error file would have for it now, as the mapping of the import reads
    both: what differs is set. So other corrections stay, and rows that have no errors any more are left as they are.
    Rows that the file lacks are not changed. The file is not stored.

    Args:
        organization: of the import.
        creator: has uploaded the file.
        import_id: the import.
        content: the bytes of the file.
        name: of the file.
        content_type: the media type that the client gave.
        if_match: as for ``update_import``.

    Raises:
        RecordNotFound, WrongState, ImportPruned, Conflict: as for ``correct_row``; or the rows come from no file.
        InvalidAttribute: it is no error file of the import, lacks a column that is mapped, or has too many rows.
        FileUnreadable, FilePruned: one of the two files cannot be read.
        PreconditionFailed, ImportInUse, Unavailable: as for ``update_import``.
    """
    import_ = find_correctable(organization=organization, import_id=import_id)
    file = files.make_import_file(
        organization=organization,
        creator=creator,
        content=content,
        sha256="",
        name=name,
        content_type=content_type,
    )
    try:
        uploaded = _read_uploaded(file, content, import_id)
        with one_snapshot():
            pairs = list(_pair_lines(import_, uploaded))
    except FileRefused as refused:
        raise FileUnreadable(refused) from refused
    # After the cursors of the lines are read to their end: a refusal would leave them open.
    corrections = [correction for pair in pairs for correction in _compare(pair)]
    if corrections:
        chosen: dict[str, Any] = {"organization": organization, "import_id": import_id, "if_match": if_match}
        import_ = correct_rows(corrections=corrections, **chosen)
    return import_, len(corrections)


def find_correctable(*, organization: Organization, import_id: int) -> Import:
    """An import whose rows an error file may correct.

    Raises:
        RecordNotFound, WrongState, ImportPruned, Conflict: as for ``correct_from_file``.
    """
    import_ = find_import(import_id=import_id, organization=organization)
    require_state(import_, ImportState.CREATED, "corrected")
    require_rows_kept(import_)
    if not import_.file_options:
        raise Conflict("The rows of this import come from no file; correct them one by one")
    return import_


def find_error_sheets(file: ImportFile, content: SpooledFile, import_id: int) -> list[ReadOptions]:
    """How the sheets of an error file are read.

    Raises:
        InvalidAttribute: it is no error file.
        FileUnreadable: it cannot be read.
    """
    sheets = [sheet["name"] for sheet in file.sheets] or [file.sheet]
    error_sheets = [each for each in (_find_options(file, content, sheet) for sheet in sheets) if each is not None]
    if not error_sheets:
        raise InvalidAttribute(
            f"This is not an error file: it has no columns {', '.join(ERROR_FILE_HEADERS[:2])} and"
            f" {ERROR_FILE_HEADERS[2]}. Download the error file of import {import_id}, and correct that"
        )
    return error_sheets


def _read_uploaded(file: ImportFile, content: SpooledFile, import_id: int) -> Mapping[Place, UploadedRow]:
    """The rows of the uploaded file, by the rows of the import that they name."""
    found: dict[Place, UploadedRow] = {}
    count = 0
    types = registry.get_names()
    for options in find_error_sheets(file, content, import_id):
        with open_table(content, options) as table:
            sheet = UploadedSheet(options, HeaderIndex(table.headers))
            for row in table.rows():
                if all(map(is_blank, row.cells)):
                    continue
                count += 1
                if count > LARGEST:
                    raise InvalidAttribute(
                        f"The file has more than {LARGEST:,} rows. Import the rows without errors first, and upload it"
                        " on the page of the result"
                    )
                for place in _read_places(table, row, import_id, types):
                    found[place] = UploadedRow(sheet, row.cells)
    return found


def _find_options(file: ImportFile, content: SpooledFile, sheet: str | None) -> ReadOptions | None:
    """How a sheet of the file is read; ``None`` if it is none of an error file."""
    detected = read_detection(file)
    if sheet != file.sheet:
        overrides = {**file.overrides, "sheet": sheet}
        detected = detect_file(content, content_type=file.content_type, overrides=overrides)
    if not {column.header for column in detected.columns} >= set(ERROR_FILE_HEADERS):
        return None
    # The formats of the import, which are not guessed again.
    return replace(detected.options(), date_order=file.date_order, decimal_sign=file.decimal_sign)


def _read_places(table: Table, row: TableRow, import_id: int, types: Collection[str]) -> list[Place]:
    """The rows of the import that a row of its error file names.

    Raises:
        InvalidAttribute: it names another import, or none of its rows.
    """
    id_cell, row_cell = (
        show_cell(row.cells[position]).strip() if position < len(row.cells) else ""
        for position in map(list(table.headers).index, ERROR_FILE_HEADERS[:2])
    )
    # A spreadsheet program may have made a number of it.
    if id_cell.removesuffix(".0") != str(import_id):
        named = f"import '{printable(id_cell, 40)}'" if id_cell else "no import"
        raise InvalidAttribute(f"This is not the error file of import {import_id}: line {row.line} is of {named}")
    places = []
    for part in row_cell.split(","):
        record_type, _, number = part.strip().partition(" ")
        if record_type not in types or not (number.isascii() and number.isdigit() and len(number) < 10):
            raise InvalidAttribute(
                f"Line {row.line} does not say in import_row which row it corrects. New rows need a file of their own"
            )
        places.append((record_type, int(number)))
    return places


def _pair_lines(import_: Import, uploaded: Mapping[Place, UploadedRow]) -> Iterator[_Pair]:
    mapping = read_mapping(import_.mapping)
    options = [ReadOptions(**each) for each in import_.file_options]
    file = files.find_import_file(organization=import_.organization, file_id=import_.import_file_id or 0)
    content = files.read_file(file)
    for each in find_sheets_with_errors(import_, options):
        with open_table(content, each) as table:
            formats = find_formats(mapping, each)
            reader = LineReader(mapping, table)
            lines = read_corrected_lines(import_, table, mapping, formats, needs_staged=True)
            for line, cells in lines:
                named = [(error.record_type, error.row) for error in line.errors]
                row = next((uploaded[place] for place in named if place in uploaded), None)
                if row is not None:
                    yield _Pair(reader, each, line, cells, row)


def _compare(pair: _Pair) -> Iterator[RowCorrection]:
    """The cells of a line's staged rows that are others in the uploaded file."""
    reader, line, uploaded = pair.reader, pair.line, pair.uploaded
    before = reader.read(line.number, pair.cells, pair.options)
    after = reader.read(line.number, reader.order(uploaded), uploaded.sheet.options)
    if before == after:
        return
    for record_type, text in after.items():
        (new,) = decode_staged(text)
        (old,) = decode_staged(before.get(record_type, "{}"))
        changed = {name: value for name, value in new.items() if name not in old or not is_same_value(old[name], value)}
        changed |= {name: None for name in old if name not in new}
        for staged in line.staged:
            if staged.record_type == record_type:
                # A value that contradicts another line cannot be read, though the cell is the same.
                refused = {name: new[name] for name in new if is_unreadable(find_cell(staged.value, name)[1])}
                cells = {**refused, **changed}
                if cells:
                    yield RowCorrection(record_type, staged.row, cells)
