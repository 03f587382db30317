"""The changes that the change log would have if planned chunks were written now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from importsvc.changelog.models import CREATED, UPDATED
from importsvc.engine.plan.diff import Diff
from importsvc.engine.plan.plan import ColumnBatch, PlannedChunk, RowRef
from importsvc.engine.schema.defaults import Defaults
from importsvc.engine.schema.importable import Importable
from importsvc.postgres.copy import json_text


@dataclass(frozen=True)
class PlannedChange:
    """A change that running an import would make, as the change log would have it.

    The id of a record to create is ``None``; a reference to one is its row, such as ``{"type": "company", "row": 1}``.
    ``without_key`` says whether the row creates a record each time that it comes (see ``PlannedChunk``).
    """

    importable: Importable
    row: int
    action: str
    record_id: int | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    without_key: bool = False


def describe_changes(planned: PlannedChunk, diffs: Sequence[Diff], defaults: Defaults) -> Iterator[PlannedChange]:
    """The changes of a chunk without errors, in the order of the change log."""
    importable = planned.importable
    names = [field.column for field in importable.fields]
    batch = fill_blanks(planned.created, defaults.blanks(importable))
    for row, *values in zip(batch.rows, *batch.columns, strict=True):
        after = {
            name: _describe(value) if isinstance(value, RowRef) else value
            for name, value in zip(names, values, strict=True)
            if value is not None
        }
        is_without_key = row in planned.without_key
        yield PlannedChange(importable, row, CREATED, None, None, json.loads(json_text(after)), is_without_key)
    for each in diffs:
        text = each.complete({name: _describe(target) for name, target in each.references.items()})
        yield PlannedChange(importable, each.row, UPDATED, each.record_id, json.loads(each.before), json.loads(text))


def fill_blanks(batch: ColumnBatch, blanks: Sequence[Any]) -> ColumnBatch:
    """The records with the computed defaults of blank cells (see ``Defaults.blanks``)."""
    columns = list(batch.columns)
    for position, blank in enumerate(blanks):
        if blank is not None:
            columns[position] = [blank if value is None else value for value in columns[position]]
    return ColumnBatch(batch.rows, columns)


def _describe(target: RowRef) -> dict[str, Any]:
    return {"type": target.type_name, "row": target.row}
