"""The changes that the change log would have if a plan were carried out now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, overload

from importsvc.changelog.models import CREATED, UPDATED
from importsvc.engine.apply.load import complete
from importsvc.engine.plan.diff import Differences
from importsvc.engine.plan.plan import Plan, PlannedRecords, RowOf
from importsvc.engine.schema.defaults import Defaults
from importsvc.engine.schema.importable import Importable
from importsvc.postgres.copy import json_text


@dataclass(frozen=True)
class PlannedChange:
    """A change to come.

    Attributes:
        importable: the type of the record.
        row: the number of the row.
        action: ``created`` or ``updated``.
        record_id: of the record; ``None`` if it is to be created.
        before, after: as the change log will have them. In place of the id of a record that is to be created is
            ``{"type": "company", "row": 1}``: the row that it will be made of.
    """

    importable: Importable
    row: int
    action: str
    record_id: int | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]


class PlannedChanges(Sequence[PlannedChange]):
    """Every change of a valid plan in the order in which the change log will have them, made when asked for."""

    def __init__(self, plan: Plan, differences: Differences, defaults: Defaults) -> None:
        """``differences`` are the plan's."""
        self._plan = plan
        self._differences = differences
        self._defaults = defaults

    def __len__(self) -> int:
        """How many there are."""
        return sum(records.created + len(self._differences.of(records.importable)) for records in self._plan.records)

    @overload
    def __getitem__(self, index: int) -> PlannedChange: ...

    @overload
    def __getitem__(self, index: slice) -> list[PlannedChange]: ...

    def __getitem__(self, index: int | slice) -> PlannedChange | list[PlannedChange]:
        """A change, or those of a slice."""
        places = range(len(self))[index]
        if isinstance(places, int):
            return next(islice(self, places, None))
        return list(islice(self, places.start, places.stop, places.step))

    def __iter__(self) -> Iterator[PlannedChange]:
        """All of them, type by type."""
        for records in self._plan.records:
            yield from self._created(records)
            yield from self._updated(records.importable)

    def _created(self, records: PlannedRecords) -> Iterator[PlannedChange]:
        importable = records.importable
        names = [field.column for field in importable.fields]
        ids = {each.importable.name: _RecordsToCome(each.importable.name) for each in self._plan.records}
        for block, _ in complete(records, ids, self._defaults.blanks(importable)):
            for row, *values in zip(block.rows, *block.columns, strict=True):
                after = {name: value for name, value in zip(names, values, strict=True) if value is not None}
                yield PlannedChange(importable, row, CREATED, None, None, json.loads(json_text(after)))

    def _updated(self, importable: Importable) -> Iterator[PlannedChange]:
        for each in self._differences.of(importable):
            after = each.complete({name: _describe(row) for name, row in each.references.items()})
            yield PlannedChange(
                importable, each.row, UPDATED, each.record_id, json.loads(each.before), json.loads(after)
            )


class _RecordsToCome(Sequence[Any]):
    """In place of the ids of the records that the rows of a type will become."""

    def __init__(self, type_name: str) -> None:
        self._type_name = type_name

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, index: Any) -> Any:
        return _describe(RowOf(self._type_name, index + 1))


def _describe(target: RowOf) -> dict[str, Any]:
    return {"type": target.type_name, "row": target.row}
