"""Creates and updates imports: their rows are checked and staged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import EllipsisType
from typing import Any

from django.utils import timezone

from importsvc.engine.plan.plan import OnDuplicate
from importsvc.files.models import ImportFile
from importsvc.imports.models import Import, ImportState, OnRowError
from importsvc.imports.rows import ImportRows, require_rows
from importsvc.imports.services.file_rows import find_mapped_file, read_mapped_file
from importsvc.imports.services.planning import OnErrors, check_rows, get_options
from importsvc.imports.services.preconditions import require_version
from importsvc.imports.services.progress import Progress
from importsvc.imports.services.refusals import clear_refusal
from importsvc.imports.services.row_errors import check_staged, select_errors
from importsvc.imports.services.transactions import limited_transaction, lock_import, require_state, save_fields
from importsvc.imports.staging import store_rows
from organizations.models import Organization
from people.models import Person

# The attributes that an update may set.
_OPTIONS = ("sample", "import_model_id", "on_duplicate", "match_by", "on_row_error")


def create_import(
    *,
    organization: Organization,
    creator: Person,
    import_data: object,
    sample: bool | None = None,
    import_model_id: int | None = None,
    on_duplicate: OnDuplicate = "error",
    match_by: str | None = None,
    on_row_error: str = OnRowError.REFUSE,
    derived_types: Sequence[str] = (),
    headers: Mapping[str, Mapping[str, str]] | None = None,
    import_file: ImportFile | None = None,
    mapping: Mapping[str, Any] | None = None,
    file_counts: Mapping[str, int] | None = None,
    file_options: Sequence[Mapping[str, Any]] = (),
    progress: Progress | None = None,
    on_errors: OnErrors | None = None,
) -> Import:
    """Stage rows, after checking all of them against what the organization has now.

    Args:
        organization: of the import.
        creator: of the import.
        import_data: what ``require_rows`` takes.
        sample: null becomes ``False``.
        import_model_id: any number.
        on_duplicate: what becomes of rows that match existing records.
        match_by: a name out of ``get_match_keys``; types without such a column are matched by their own match key.
        on_row_error: a value of ``OnRowError``. With ``stage`` and ``skip``, rows with errors are staged as well.
        derived_types: types of which rows that match a record are skipped even if ``on_duplicate`` is ``error``.
        headers: those of the file, by type and column, if the rows come from a file.
        import_file: that file.
        mapping: the document of the mapping that was used for it.
        file_counts: the numbers of its rows: see ``FileRows``.
        file_options: the options with which each sheet of it was read.
        progress: told how many rows have been read and checked.
        on_errors: called with the row errors of each chunk.

    Raises:
        ImportDataInvalid, RowsInvalid, Unavailable: nothing is staged.
    """
    rows = require_rows(import_data)
    import_ = Import(
        organization=organization,
        creator=creator,
        sample=bool(sample),
        import_model_id=import_model_id,
        on_duplicate=on_duplicate,
        match_by=match_by,
        on_row_error=on_row_error,
        derived_types=list(derived_types),
        headers=headers or {},
        import_file=import_file,
        mapping=mapping,
        file_counts=file_counts,
        file_options=list(file_options),
    )
    if on_row_error == OnRowError.REFUSE:
        # Before the transaction, which it would make long.
        check_rows(rows, get_options(import_, progress=progress, on_errors=on_errors)).require_valid()
    with limited_transaction():
        import_.save(force_insert=True)
        _stage(import_, rows, progress=progress, on_errors=on_errors)
    return import_


def create_import_from_file(
    *,
    organization: Organization,
    creator: Person,
    import_file_id: int,
    mapping: Any = None,
    import_model_id: int | None = None,
    sample: bool | None = None,
    on_duplicate: OnDuplicate | None = None,
    match_by: str | EllipsisType | None = ...,
    on_row_error: str = OnRowError.STAGE,
    progress: Progress | None = None,
) -> Import:
    """Stage the rows that a mapping makes of a file.

    Args:
        organization: of the import.
        creator: of the import.
        import_file_id: the file.
        mapping, import_model_id: one of them: a mapping document, or a saved mapping of the organization.
        sample: as for ``create_import``.
        on_duplicate: replaces that of the mapping; ``None`` keeps it.
        match_by: replaces that of the mapping; ``...`` keeps it.
        on_row_error: as for ``create_import``; rows with errors are staged unless it says otherwise.
        progress: as for ``create_import``.

    Raises:
        InvalidAttribute, MappingRefused, FileUnreadable, FilePruned: nothing is staged.
        ImportDataInvalid, RowsInvalid, Unavailable: as for ``create_import``.
    """
    mapped = find_mapped_file(
        organization=organization, file_id=import_file_id, mapping=mapping, import_model_id=import_model_id
    )
    made = read_mapped_file(mapped)
    return create_import(
        organization=organization,
        creator=creator,
        sample=sample,
        import_model_id=import_model_id,
        on_duplicate=on_duplicate or mapped.mapping.on_duplicate,
        match_by=mapped.mapping.match_by if match_by is ... else match_by,
        on_row_error=on_row_error,
        progress=progress,
        **made.describe(mapped.file),
    )


def update_import(
    *,
    organization: Organization,
    import_id: int,
    import_data: object,
    attributes: Mapping[str, Any],
    derived_types: Sequence[str] = (),
    headers: Mapping[str, Mapping[str, str]] | None = None,
    if_match: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Import:
    """Replace the staged rows of an import that was not run yet, and the attributes that are given.

    Args:
        organization: of the import.
        import_id: the import.
        import_data: what ``require_rows`` takes.
        attributes: may hold ``sample``, ``import_model_id``, ``on_duplicate``, ``match_by`` and ``on_row_error``; a
            ``sample`` of null becomes ``False``.
        derived_types, headers: as for ``create_import``.
        if_match: versions of the import, one of which must be the current one; ``*`` stands for any.
        progress: as for ``create_import``.

    Raises:
        RecordNotFound, WrongState, ImportDataInvalid, RowsInvalid: nothing is changed.
        PreconditionFailed: the import or its staged rows have changed since these versions. Nothing is changed.
        ImportInUse, Unavailable: another transaction is in the way; trying again later may succeed.
    """
    with limited_transaction():
        import_ = lock_import(organization, import_id)
        require_state(import_, ImportState.CREATED, "updated")
        require_version(import_, if_match)
        for name in attributes.keys() & set(_OPTIONS):
            setattr(import_, name, attributes[name])
        import_.sample = bool(import_.sample)
        import_.derived_types, import_.headers = list(derived_types), dict(headers or {})
        import_.file_counts = None  # the rows are no longer those of the file
        rows = require_rows(import_data)
        if import_.on_row_error == OnRowError.REFUSE:
            check_rows(rows, get_options(import_, progress=progress)).require_valid()
        _stage(import_, rows, progress=progress)
        import_.staged_at, import_.pruned_at = timezone.now(), None
        save_fields(import_, *_OPTIONS, "derived_types", "headers", "file_counts", "staged_at", "pruned_at")
        clear_refusal(import_)
    return import_


def _stage(import_: Import, rows: ImportRows, *, progress: Progress | None, on_errors: OnErrors | None = None) -> None:
    """Store rows, and their errors if the import keeps them; otherwise the caller has found none."""
    keeps_errors = import_.on_row_error != OnRowError.REFUSE
    store_rows(import_, rows, may_have_errors=keeps_errors)
    if keeps_errors:
        check_staged(import_, rows, progress=progress, on_errors=on_errors)
        save_fields(import_, "error_count")
    elif import_.error_count is not None:
        select_errors(import_).delete()
        import_.error_count = None
        save_fields(import_, "error_count")
