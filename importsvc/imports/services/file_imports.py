"""Imports a file that is not stored yet: what is detected and proposed is used unless the caller says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

from django.db import transaction

from importsvc.errors import InvalidAttribute
from importsvc.files import services as files
from importsvc.files.errors import MappingRefused
from importsvc.files.mapping.editing import edit_mapping
from importsvc.files.models import ImportFile
from importsvc.imports.actors import Actor
from importsvc.imports.errors import ImportDataInvalid, RowsInvalid
from importsvc.imports.models import Import, OnRowError
from importsvc.imports.rows import ImportRows, read_file
from importsvc.imports.services.creating import create_import
from importsvc.imports.services.error_files import ErrorFileFormat, write_error_file
from importsvc.imports.services.file_requests import FIRST_ROWS, FilePreview, FileRequest, FirstRow
from importsvc.imports.services.file_rows import FileRows, MappedFile, read_mapped_file
from importsvc.imports.services.importing_at_once import import_rows
from importsvc.imports.services.planning import OnErrors
from importsvc.imports.services.previewing import ImportPreview, preview_rows
from importsvc.imports.services.progress import Progress
from importsvc.imports.services.transactions import limited_transaction
from importsvc.imports.staging import decode_staged
from importsvc.spool import SpooledFile
from organizations.models import Organization
from people.models import Person

# A format, and a binary stream that is open for writing.
ErrorFile = tuple[ErrorFileFormat, BinaryIO]

# The members of a mapping that are about existing records.
MATCHING = ("on_duplicate", "match_by")


@dataclass(frozen=True)
class _Prepared:
    """A file with the document of its mapping, and the saved mapping that this is."""

    file: ImportFile
    document: Mapping[str, Any]
    import_model_id: int | None

    def read(self, content: SpooledFile) -> FileRows:
        mapping = files.check_mapping(self.document, attribute="mapping")
        return read_mapped_file(MappedFile(self.file, mapping), content)

    def describe(self, made: FileRows) -> dict[str, Any]:
        """The arguments of ``create_import`` for the rows that were read."""
        return {**made.describe(self.file), **{name: made.mapping[name] for name in MATCHING}}


def import_file(
    *,
    organization: Organization,
    creator: Person,
    request: FileRequest,
    on_row_error: str = OnRowError.REFUSE,
    save_as: str | None = None,
    actor: Actor | None = None,
    progress: Progress | None = None,
    on_errors: OnErrors | None = None,
    errors_to: ErrorFile | None = None,
) -> Import:
    """Store a file, and import the rows that it gives, in one transaction. ``import_data`` is imported as it is.

    Args:
        organization: of the import.
        creator: of the file and of the import.
        request: the file.
        on_row_error: as for ``import_rows``.
        save_as: the name under which the mapping is saved; ``None`` saves none.
        actor, progress, on_errors: as for ``run_import``.
        errors_to: where the rows of a mapped file that have errors are written, as by ``write_error_file``; also if
            the import is refused because of them.

    Raises:
        FileUnreadable, MappingRefused, InvalidAttribute: the file or its mapping is not acceptable.
        ImportDataInvalid, RowsInvalid, Busy, Unavailable: as for ``import_rows``. Nothing is written.
    """
    chosen: dict[str, Any] = {"organization": organization, "creator": creator, "on_row_error": on_row_error}
    running: dict[str, Any] = {"actor": actor, "progress": progress, "on_errors": on_errors}
    if request.is_import_data:
        if save_as is not None:
            raise InvalidAttribute("The file needs no mapping, so there is none to save", attribute="save_as")
        return import_rows(**chosen, **running, **request.matching_of_rows, import_data=_read_import_data(request))
    prepared = _prepare(organization, creator, request)
    made = prepared.read(request.content)
    if not made.rows.row_count:
        raise ImportDataInvalid("has no rows")
    with limited_transaction():
        files.store_import_file(prepared.file, request.content)
        model_id = prepared.import_model_id
        if save_as is not None:
            saved = files.create_import_model(
                organization=organization, creator=creator, name=save_as, **prepared.document
            )
            model_id = saved.pk
        chosen |= {"import_model_id": model_id, **prepared.describe(made)}
        try:
            import_ = import_rows(**chosen, **running)
        except RowsInvalid:
            if errors_to is not None:
                # The transaction is rolled back, so this import exists only for its error file.
                staged = create_import(**{**chosen, "on_row_error": OnRowError.STAGE})
                _write_errors(staged, errors_to, is_kept=False)
            raise
        if errors_to is not None:
            _write_errors(import_, errors_to, is_kept=True)
        return import_


def preview_file(
    *,
    organization: Organization,
    creator: Person,
    request: FileRequest,
    on_row_error: str = OnRowError.REFUSE,
    progress: Progress | None = None,
    on_errors: OnErrors | None = None,
    errors_to: ErrorFile | None = None,
) -> FilePreview:
    """What ``import_file`` would do, without writing to the database. The arguments are those of ``import_file``.

    Raises:
        FileUnreadable, MappingRefused, ImportDataInvalid, InvalidAttribute: the file cannot be read, or the mapping is
            none. A mapping that does not fit the file is in the preview.
    """
    chosen: dict[str, Any] = {"on_row_error": on_row_error, "progress": progress, "on_errors": on_errors}
    if request.is_import_data:
        rows = _read_import_data(request)
        plan: ImportPreview | None = preview_rows(
            organization=organization, import_data=rows, **request.matching_of_rows, **chosen
        )
        return FilePreview(first_rows=_read_first_rows(rows), row_counts=_count_rows(rows), plan=plan)
    prepared = _prepare(organization, creator, request)
    try:
        made = prepared.read(request.content)
    except MappingRefused as refused:
        return FilePreview(prepared.file, prepared.document, refused)
    plan = None
    if made.rows.row_count:
        plan = preview_rows(
            organization=organization,
            import_data=made.rows,
            **{name: made.mapping[name] for name in MATCHING},
            derived_types=made.derived_types,
            **chosen,
        )
        if errors_to is not None:
            with limited_transaction():
                files.store_import_file(prepared.file, request.content)
                staged = create_import(
                    organization=organization,
                    creator=creator,
                    on_row_error=OnRowError.STAGE,
                    **prepared.describe(made),
                )
                _write_errors(staged, errors_to, is_kept=False)
                transaction.set_rollback(True)
    return FilePreview(
        file=prepared.file,
        mapping=made.mapping,
        first_rows=_read_first_rows(made.rows),
        row_counts=_count_rows(made.rows),
        blank_row_count=made.file_counts["blank_row_count"],
        unmapped_row_count=made.file_counts["unmapped_row_count"],
        plan=plan,
    )


def _write_errors(import_: Import, errors_to: ErrorFile, *, is_kept: bool) -> None:
    format_, target = errors_to
    write_error_file(
        organization=import_.organization, import_id=import_.pk, format=format_, target=target, is_kept=is_kept
    )


def _prepare(organization: Organization, creator: Person, request: FileRequest) -> _Prepared:
    file = files.make_import_file(
        organization=organization,
        creator=creator,
        content=request.content,
        sha256=request.sha256,
        name=request.name,
        overrides=request.options,
    )
    if "sheet" in request.options and not file.sheets:
        raise InvalidAttribute("The file has no sheets", attribute="sheet")
    document, model_id = file.proposed_mapping, file.proposed_import_model_id
    if request.model is not None:
        document, model_id = files.find_named_mapping(organization=organization, name=request.model)
    said = {name: request.options[name] for name in ("date_order", "decimal_sign") if name in request.options}
    edited = edit_mapping(
        document,
        targets=request.targets,
        ignored=request.ignored,
        formats={**document["formats"], **said},
        **request.matching,
    )
    is_saved = all(edited[name] == document[name] for name in ("columns", "ignored", "formats"))
    return _Prepared(file, edited, model_id if is_saved else None)


def _read_import_data(request: FileRequest) -> ImportRows:
    with request.content.open() as reader:
        return read_file(reader)


def _count_rows(rows: ImportRows) -> dict[str, int]:
    return {name: sum(chunk.row_count for chunk in rows.read(name)) for name in rows.types}


def _read_first_rows(rows: ImportRows) -> dict[str, list[FirstRow]]:
    first = {}
    for name in rows.types:
        every = (
            FirstRow(chunk.first_row + index, None if chunk.lines is None else chunk.lines[index], value)
            for chunk in rows.read(name)
            for index, value in enumerate(decode_staged(chunk.text))
        )
        first[name] = list(islice(every, FIRST_ROWS))
    return first
