"""Corrections of staged rows: cells, whole rows, and values in a column. Each is checked again at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from django.utils import timezone

from importsvc.engine.schema import registry
from importsvc.engine.schema.importable import Importable
from importsvc.errors import Conflict, InvalidAttribute, RecordNotFound
from importsvc.imports.models import Import, ImportState, OnRowError
from importsvc.imports.services.cell_problems import describe_cell
from importsvc.imports.services.changed_rows import ChangedRows
from importsvc.imports.services.preconditions import require_version
from importsvc.imports.services.progress import Progress
from importsvc.imports.services.refusals import clear_refusal
from importsvc.imports.services.rewriting import recheck_changed, rewrite_chunk
from importsvc.imports.services.row_errors import check_staged, select_chunks
from importsvc.imports.services.row_reading import find_chunk
from importsvc.imports.services.row_texts import (
    Replacement,
    find_changed_cells,
    read_row,
    set_cells,
    write_row,
)
from importsvc.imports.services.transactions import (
    limited_transaction,
    lock_import,
    require_rows_kept,
    require_state,
    save_fields,
)
from importsvc.imports.staging import StagedRows, decode_staged
from organizations.models import Organization

# In place of a value that a replacement does not name: any value.
ANY_VALUE = object()

DELETED = "{}"


class RowCorrection(NamedTuple):
    """Cells of a staged row to be set, by column or header; ``None`` removes a cell."""

    record_type: str
    row: int
    cells: Mapping[str, Any]


def correct_row(
    *,
    organization: Organization,
    import_id: int,
    record_type: str,
    row: int,
    cells: Mapping[str, Any],
    if_match: Collection[str] | None = None,
) -> Import:
    """Set cells of a staged row, and check again the row and those that depend on it.

    Other cells and other rows keep their text. A row that is no object becomes one.

    Args:
        organization: of the import.
        import_id: the import.
        record_type: the type of the row.
        row: its number.
        cells: by column or header; ``None`` removes a cell. Those that the row has already are left as they are.
        if_match: as for ``update_import``.

    Raises:
        RecordNotFound: there is no such import or row, or the row was deleted.
        InvalidAttribute: a cell is of no column. Unknown columns can only be removed.
        WrongState, ImportPruned, Conflict: the import was run, or does not keep errors.
        PreconditionFailed, ImportInUse, Unavailable: as for ``update_import``.
    """
    correction = RowCorrection(record_type, row, cells)
    return correct_rows(organization=organization, import_id=import_id, corrections=[correction], if_match=if_match)


def correct_rows(
    *,
    organization: Organization,
    import_id: int,
    corrections: Sequence[RowCorrection],
    if_match: Collection[str] | None = None,
) -> Import:
    """Set cells of several staged rows in one transaction: all of them, or none. The rest is as for ``correct_row``."""
    by_type: dict[str, dict[int, dict[str, Any]]] = {}
    for correction in corrections:
        by_type.setdefault(correction.record_type, {}).setdefault(correction.row, {}).update(correction.cells)
    with _correct(organization, import_id, if_match) as import_:
        all_changed: dict[str, ChangedRows] = {}
        for record_type, rows in by_type.items():
            importable = _find_importable(record_type)
            changed = all_changed.setdefault(record_type, ChangedRows())
            remaining = sorted(rows, reverse=True)
            while remaining:
                chunk = find_chunk(import_, record_type, remaining[-1])
                changes = {}
                while remaining and remaining[-1] < chunk.first_row + chunk.row_count:
                    row = remaining.pop()
                    if row in chunk.deleted_rows:
                        raise RecordNotFound
                    changes[row] = partial(_set_cells, importable, rows[row])
                rewrite_chunk(import_, importable, chunk, changes, changed)
        recheck_changed(import_, all_changed)
    return import_


def _set_cells(importable: Importable, cells: Mapping[str, Any], text: str) -> str:
    members = read_row(text)
    return write_row(set_cells(members, importable, find_changed_cells(members, cells)))


def delete_row(
    *,
    organization: Organization,
    import_id: int,
    record_type: str,
    row: int,
    if_match: Collection[str] | None = None,
) -> Import:
    """Delete a staged row. The other rows keep their numbers. Arguments and errors are those of ``correct_row``."""
    with _correct(organization, import_id, if_match) as import_:
        importable = _find_importable(record_type)
        chunk = find_chunk(import_, record_type, row)
        chunk.deleted_rows = sorted([*chunk.deleted_rows, row])
        changed = ChangedRows()
        rewrite_chunk(import_, importable, chunk, {row: lambda _: DELETED}, changed)
        recheck_changed(import_, {record_type: changed})
    return import_


def replace_value(
    *,
    organization: Organization,
    import_id: int,
    record_type: str,
    column: str,
    to: Any,
    old: Any = ANY_VALUE,
    if_match: Collection[str] | None = None,
) -> tuple[Import, int]:
    """Replace a value in a column of all rows of a type; return the import and the number of rows that had it.

    Args:
        organization: of the import.
        import_id: the import.
        record_type: the type of the rows.
        column: the name of the column, or a header of an unknown one.
        to: the new value; ``None`` removes the cells, which is all that can be done to an unknown column.
        old: the value, compared as text as the errors have it; without it, any value.
        if_match: as for ``update_import``.

    Raises:
        RecordNotFound: there is no such import.
        InvalidAttribute: the type is unknown, or the column is and there is a new value.
        WrongState, ImportPruned, Conflict, PreconditionFailed, ImportInUse, Unavailable: as for ``correct_row``.
    """
    with _correct(organization, import_id, if_match) as import_:
        if record_type not in registry.get_names():
            known = ", ".join(registry.get_names())
            raise InvalidAttribute(f"must be one of {known}", attribute="record_type")
        importable = registry.get(record_type)
        wanted = None if old is ANY_VALUE else describe_cell(old)
        replace = Replacement(importable, column, wanted=wanted, to=to)
        count = 0
        chunks = select_chunks(import_, record_type).order_by("number")
        changed = ChangedRows()
        for number in list(chunks.values_list("number", flat=True)):
            chunk = chunks.defer("keys").get(number=number)
            found = [chunk.first_row + index for index in replace.find(decode_staged(chunk.rows[1:-1]))]
            rows = [row for row in found if row not in chunk.deleted_rows]
            if rows:
                count += rewrite_chunk(import_, importable, chunk, dict.fromkeys(rows, replace), changed)
        recheck_changed(import_, {record_type: changed})
    return import_, count


def check_import(
    *,
    organization: Organization,
    import_id: int,
    if_match: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Import:
    """Check all staged rows again, against what the organization has now, and replace the stored errors.

    Raises:
        RecordNotFound, WrongState, ImportPruned, Conflict, PreconditionFailed, ImportInUse, Unavailable: as for
            ``correct_row``.
    """
    with _correct(organization, import_id, if_match) as import_:
        check_staged(import_, StagedRows(organization.pk, import_.pk), progress=progress)
    return import_


@contextmanager
def _correct(organization: Organization, import_id: int, if_match: Collection[str] | None) -> Iterator[Import]:
    """A transaction with the locked import, which may be corrected. Its ``error_count`` is saved at the end."""
    with limited_transaction():
        import_ = lock_import(organization, import_id)
        require_state(import_, ImportState.CREATED, "corrected")
        require_version(import_, if_match)
        require_rows_kept(import_)
        if import_.on_row_error == OnRowError.REFUSE:
            raise Conflict("The import keeps no rows with errors: on_row_error is 'refuse'")
        yield import_
        import_.staged_at = timezone.now()
        save_fields(import_, "error_count", "staged_at")
        clear_refusal(import_)


def _find_importable(record_type: str) -> Importable:
    if record_type not in registry.get_names():
        raise RecordNotFound
    return registry.get(record_type)
