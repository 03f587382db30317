"""Corrections of staged rows: cells, whole rows, and values in a column. Each is checked again at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from django.utils import timezone

from importsvc.engine.parse.rows import CleanChunk, RowCleaner
from importsvc.engine.schema import registry
from importsvc.engine.schema.importable import Importable
from importsvc.errors import Conflict, InvalidAttribute, RecordNotFound
from importsvc.imports.models import Import, ImportState, OnRowError, StagedChunk
from importsvc.imports.services.cell_problems import describe_cell
from importsvc.imports.services.changed_rows import ChangedRows
from importsvc.imports.services.preconditions import require_version
from importsvc.imports.services.progress import Progress
from importsvc.imports.services.refusals import clear_refusal
from importsvc.imports.services.row_errors import check_staged, find_chunk, find_keys, select_chunks
from importsvc.imports.services.row_keys import RowKeys
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
from importsvc.imports.staging import StagedRows, decode_staged, split_staged
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
    with _correct(organization, import_id, if_match) as import_:
        for correction in corrections:
            importable = _find_importable(correction.record_type)
            chunk = find_chunk(import_, correction.record_type, correction.row)
            _rewrite(import_, importable, chunk, {correction.row: partial(_set_cells, importable, correction.cells)})
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
        _rewrite(import_, importable, chunk, {row: lambda _: DELETED})
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
                count += _rewrite_chunk(import_, importable, chunk, dict.fromkeys(rows, replace), changed)
        changed.recheck(import_, record_type)
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


def _rewrite(
    import_: Import, importable: Importable, chunk: StagedChunk, changes: Mapping[int, Callable[[str], str]]
) -> None:
    """Change rows of a chunk, and check them again."""
    changed = ChangedRows()
    _rewrite_chunk(import_, importable, chunk, changes, changed)
    changed.recheck(import_, importable.name)


def _rewrite_chunk(
    import_: Import,
    importable: Importable,
    chunk: StagedChunk,
    changes: Mapping[int, Callable[[str], str]],
    changed: ChangedRows,
) -> int:
    """Change rows of a chunk, and write it with its keys; return the number of rows that were changed."""
    items = split_staged(chunk)
    rows = []
    before, after = [], []
    for row, change in sorted(changes.items()):
        text = items[row - chunk.first_row]
        new = change(text)
        if new != text or row in chunk.deleted_rows:
            rows.append(row)
            before.append(text)
            after.append(new)
            items[row - chunk.first_row] = new
    if not rows:
        return 0
    had_unknown = chunk.unknown_columns and _clean(importable, rows, _decode(before)).unknown_columns
    values = _decode(after)
    changed.add_rows(chunk, rows, values)
    keys = find_keys(_clean(importable, rows, values))
    row_keys = RowKeys(chunk, rows)
    old_keys = row_keys.read(list(keys))
    changed.add_keys(old_keys, keys)
    if had_unknown:
        changed.unknown.update(had_unknown)
        chunk.unknown_columns = _clean(
            importable, range(chunk.first_row, chunk.first_row + len(items)), _decode(items)
        ).unknown_columns
    chunk.rows = f"[{','.join(items)}]"
    select_chunks(import_, importable.name).filter(number=chunk.number).update(
        rows=chunk.rows,
        size=len(chunk.rows.encode()),
        unknown_columns=chunk.unknown_columns,
        deleted_rows=chunk.deleted_rows,
        **row_keys.change(old_keys, keys),
    )
    return len(rows)


def _clean(importable: Importable, rows: Sequence[int], values: Sequence[Any]) -> CleanChunk:
    return RowCleaner(importable, may_match=True).clean(values, numbers=rows)


def _decode(texts: Sequence[str]) -> list[Any]:
    return decode_staged(",".join(texts))
