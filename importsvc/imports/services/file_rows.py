"""The rows that a mapping makes of a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from importsvc.engine.parse.chunks import RowChunk
from importsvc.engine.plan.lookups import fold_texts
from importsvc.engine.schema import registry
from importsvc.errors import InvalidAttribute, RecordNotFound
from importsvc.files import services as files
from importsvc.files.detecting import detect_file, read_detection
from importsvc.files.errors import FileUnreadable, MappingRefused
from importsvc.files.mapping.document import Mapping, write_mapping
from importsvc.files.mapping.problems import find_problems, get_formats
from importsvc.files.mapping.refusals import Problem
from importsvc.files.mapping.rows import FileProgress, RowMapper
from importsvc.files.mapping.sides import find_derived_types
from importsvc.files.mapping.targets import find_target
from importsvc.files.models import ImportFile
from importsvc.files.reading.detection import Detection
from importsvc.files.reading.opening import open_table
from importsvc.files.reading.tables import FileRefused
from importsvc.imports.rows import ImportRows, SpooledRows
from importsvc.spool import SpooledFile
from organizations.models import Organization

NEITHER = (
    "can't be blank: send a mapping, or the import_model_id of a saved one; the file's proposed_mapping can be sent as"
    " it is"
)
BOTH = "must not be sent together with import_model_id"


@dataclass(frozen=True)
class MappedFile:
    """A file with the mapping that is used for it, before its rows are read.

    Attributes:
        file: which its bytes can be read of.
        mapping: has no problem in itself; whether it fits the file is found when the rows are read.
    """

    file: ImportFile
    mapping: Mapping


@dataclass(frozen=True)
class FileRows:
    """The rows of a file, and what an import keeps of how they were made.

    Attributes:
        rows: of all types, each type together.
        derived_types: the types whose rows were derived from those of others.
        headers: of the file, by type and column.
        mapping: the document that was used.
        file_counts: the numbers of rows that were read, and of those dropped because they are blank or have values in
            ignored columns only: ``row_count``, ``blank_row_count`` and ``unmapped_row_count``.
        options: by which each sheet was read: the fields of ``ReadOptions``.
    """

    rows: ImportRows
    derived_types: list[str]
    headers: dict[str, dict[str, str]]
    mapping: dict[str, Any]
    file_counts: dict[str, int]
    options: list[dict[str, Any]]

    def describe(self, file: ImportFile) -> dict[str, Any]:
        """The arguments of ``create_import`` for these rows of the file."""
        return {
            "import_data": self.rows,
            "derived_types": self.derived_types,
            "headers": self.headers,
            "import_file": file,
            "mapping": self.mapping,
            "file_counts": self.file_counts,
            "file_options": self.options,
        }


def find_mapped_file(
    *, organization: Organization, file_id: int, mapping: Any = None, import_model_id: int | None = None
) -> MappedFile:
    """The file, with the mapping that is given or saved.

    Args:
        organization: of the file and of the saved mapping.
        file_id: the file.
        mapping: a mapping document; ``None`` if ``import_model_id`` names a saved mapping.
        import_model_id: a saved mapping of the organization.

    Raises:
        InvalidAttribute: there is no such file or no such saved mapping, or not exactly one mapping is given.
        MappingRefused: the mapping is not acceptable.
        FilePruned: the bytes of the file were deleted.
    """
    try:
        file = files.find_import_file(organization=organization, file_id=file_id)
    except RecordNotFound:
        raise InvalidAttribute("must exist", attribute="import_file") from None
    files.require_content(file)
    if mapping is not None and import_model_id is not None:
        raise InvalidAttribute(BOTH, attribute="mapping")
    if mapping is not None:
        return MappedFile(file, files.check_mapping(mapping, attribute="mapping"))
    if import_model_id is None:
        raise InvalidAttribute(NEITHER, attribute="mapping")
    try:
        model = files.find_import_model(organization=organization, model_id=import_model_id)
    except RecordNotFound:
        raise InvalidAttribute("must exist", attribute="import_model_id") from None
    return MappedFile(file, files.check_mapping(files.get_document(model), attribute="import_model_id"))


def require_fit(
    *, organization: Organization, file_id: int, mapping: Any = None, import_model_id: int | None = None
) -> None:
    """Check that a mapping fits the sheet in use, by what was detected of it: no row is read.

    The arguments are those of ``find_mapped_file``, and so are the errors.

    Raises:
        MappingRefused: it does not fit, with every problem.
    """
    mapped = find_mapped_file(
        organization=organization, file_id=file_id, mapping=mapping, import_model_id=import_model_id
    )
    problems = _find_problems(mapped.mapping, read_detection(mapped.file))
    if problems:
        raise MappingRefused(problems, attribute="mapping")


def read_mapped_file(mapped: MappedFile, content: SpooledFile | None = None) -> FileRows:
    """The rows that the mapping makes of the file, in a temporary file.

    ``content`` are its bytes, if it is not stored.

    Raises:
        MappingRefused: the mapping does not fit the file, with every problem.
        FileUnreadable: the file cannot be read to its end.
        ImportDataInvalid, DiskFull: as for other rows.
    """
    content = files.read_file(mapped.file) if content is None else content
    progress = FileProgress()
    try:
        tables = [_detect(mapped, content, sheet) for sheet in _find_sheets(mapped)]
        problems = [problem for table in tables for problem in _find_problems(mapped.mapping, table)]
        if problems:
            # The same problem may be one of several sheets.
            raise MappingRefused(list(dict.fromkeys(problems)), attribute="mapping")
        spooled = SpooledRows(_map_tables(mapped.mapping, content, tables, progress))
    except FileRefused as refused:
        raise FileUnreadable(refused, attribute="import_file") from refused
    return FileRows(
        rows=_RowsByType(spooled),
        derived_types=find_derived_types(mapped.mapping, [table.sheet.used for table in tables]),
        headers=_list_headers(mapped.mapping),
        mapping=write_mapping(mapped.mapping),
        file_counts={
            "row_count": progress.table_row_count,
            "blank_row_count": progress.blank_row_count,
            "unmapped_row_count": progress.unmapped_row_count,
        },
        options=[asdict(table.options()) for table in tables],
    )


class _RowsByType:
    """Rows whose chunks come type by type: those that are derived from others are spooled among them."""

    def __init__(self, rows: SpooledRows) -> None:
        self._rows = rows

    @property
    def types(self) -> list[str]:
        submitted = set(self._rows.types)
        return [importable.name for importable in registry.in_dependency_order() if importable.name in submitted]

    @property
    def row_count(self) -> int:
        return self._rows.row_count

    def read(self, type_name: str | None = None) -> Iterator[RowChunk]:
        for name in self.types if type_name is None else [type_name]:
            yield from self._rows.read(name)


def _find_sheets(mapped: MappedFile) -> list[str | None]:
    """The sheets that are read: those that columns name, and the one in use if some name none."""
    named = {column.sheet for column in mapped.mapping.columns}
    in_use = mapped.file.sheet
    wanted = {in_use if sheet is None else sheet for sheet in named}
    in_file = [sheet["name"] for sheet in mapped.file.sheets]
    ordered: list[str | None] = [name for name in in_file if name in wanted]
    # Names of sheets that the file does not have lead to the refusal of the reader.
    return [*ordered, *sorted(name for name in wanted if name is not None and name not in in_file)] or [in_use]


def _detect(mapped: MappedFile, content: SpooledFile, sheet: str | None) -> Detection:
    """What the client has seen of the file; of another sheet, what it would see."""
    file = mapped.file
    if sheet == file.sheet:
        return read_detection(file)
    return detect_file(content, content_type=file.content_type, overrides={**file.overrides, "sheet": sheet})


def _find_problems(mapping: Mapping, table: Detection) -> Sequence[Problem]:
    headers = [column.header for column in table.columns]
    return find_problems(mapping, headers=headers, sheet=table.sheet.used, detection=table)


def _map_tables(
    mapping: Mapping, content: SpooledFile, tables: Sequence[Detection], progress: FileProgress
) -> Iterator[RowChunk]:
    for detected in tables:
        with open_table(content, detected.options()) as table:
            mapper = RowMapper(
                mapping,
                headers=table.headers,
                sheet=table.sheet,
                formats=mapping.formats.or_else(get_formats(detected.options())),
                fold=fold_texts,
                progress=progress,
            )
            for chunk in mapper.map_rows(table.rows()):
                yield RowChunk(*chunk[:4], lines=chunk.lines, sheet=chunk.sheet or "")


def _list_headers(mapping: Mapping) -> dict[str, dict[str, str]]:
    headers: dict[str, dict[str, str]] = {}
    for column in mapping.columns:
        for target in filter(None, map(find_target, column.targets)):
            if column.headers:
                headers.setdefault(target.type_name, {}).setdefault(target.column, " + ".join(column.headers))
    return headers
