"""Rows of a staged chunk changed in their text, with the keys by which others depend on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import connection

from importsvc.engine.parse.rows import CleanChunk, RowCleaner
from importsvc.engine.schema.importable import Importable
from importsvc.imports.models import Import, StagedChunk
from importsvc.imports.services.changed_rows import LARGEST_RECHECK, ChangedRows
from importsvc.imports.services.rechecking import recheck
from importsvc.imports.services.row_errors import check_staged, find_keys
from importsvc.imports.services.row_keys import RowKeys
from importsvc.imports.staging import StagedRows, decode_staged, split_staged
from importsvc.postgres.copy import array_literal


def recheck_changed(import_: Import, changed: Mapping[str, ChangedRows]) -> None:
    """Check the rows again that were changed, by type."""
    if sum(len(of_type.rows) for of_type in changed.values()) > LARGEST_RECHECK:
        # Once for all types.
        check_staged(import_, StagedRows(import_.organization_id, import_.pk))
        return
    for record_type, each in changed.items():
        if each.rows:
            recheck(import_, record_type, each)


def rewrite_chunk(
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
    changed.add_keys(rows, old_keys, keys)
    if had_unknown:
        changed.unknown.update(had_unknown)
        chunk.unknown_columns = _clean(
            importable, range(chunk.first_row, chunk.first_row + len(items)), _decode(items)
        ).unknown_columns
    chunk.rows = f"[{','.join(items)}]"
    new_keys, parameters = row_keys.change(old_keys, keys)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE imports_stagedchunk SET keys = {new_keys}, rows = %s, size = %s, unknown_columns = %s,"  # noqa: S608 - of constants
            " deleted_rows = %s WHERE organization_id = %s AND import_id = %s AND number = %s",
            [
                *parameters,
                *(chunk.rows, len(chunk.rows.encode())),
                *(json.dumps(chunk.unknown_columns), array_literal([str(row) for row in chunk.deleted_rows])),
                *(import_.organization_id, import_.pk, chunk.number),
            ],
        )
    return len(rows)


def _clean(importable: Importable, rows: Sequence[int], values: Sequence[Any]) -> CleanChunk:
    return RowCleaner(importable, may_match=True).clean(values, numbers=rows)


def _decode(texts: Sequence[str]) -> list[Any]:
    return decode_staged(",".join(texts))
