"""The conflicts that prevent a revert: changes to the records of an import, and references to them, since it ran.

Each kind of conflict is one SELECT statement over changes. The same statements decide whether a revert is refused,
what it keeps, and what a preview counts and shows.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Model

from importsvc.changelog.models import CREATED, UPDATED
from importsvc.engine.revert.change_detection import select_edited_created, select_edited_updated, select_gone_columns
from importsvc.engine.revert.changes import Changes, Query, TypeChanges
from importsvc.engine.revert.referrers import select_gone_references, select_referenced
from importsvc.engine.schema.importable import get_plural_name
from importsvc.postgres.foreign_keys import find_foreign_keys


class Reason(enum.StrEnum):
    """Why a record cannot be removed or a value cannot be restored."""

    CHANGED = "changed"
    REFERENCED = "referenced"
    COLUMN_GONE = "column_gone"
    REFERENCE_GONE = "reference_gone"


@dataclass(frozen=True)
class Conflict:
    """Why a revert cannot undo a change.

    Attributes:
        model: of the record.
        record_id: of the record.
        row: the row that created or updated the record.
        reason: ``changed`` if the record was changed since the import, ``referenced`` if something refers to it,
            ``column_gone`` if the table no longer has columns that the change log has, ``reference_gone`` if the record
            that it referred to before the import no longer exists.
        fields: the columns concerned, in alphabetical order; empty for ``referenced``.
        then: their values after the import; for ``reference_gone`` their values before the import.
        now: their current values, without columns that the table no longer has.
        referenced_by: the plural name or the table of the referring records, and the first id if ids are numbers.
    """

    model: type[Model]
    record_id: int
    row: int
    reason: Reason = Reason.CHANGED
    fields: tuple[str, ...] = ()
    then: Mapping[str, Any] = field(default_factory=dict)
    now: Mapping[str, Any] = field(default_factory=dict)
    referenced_by: tuple[str, int | None] | None = None


@dataclass(frozen=True)
class Obstacle:
    """One kind of conflict for the records of one type, as a query.

    Attributes:
        changes: the changes that may have the conflict.
        reason: of the conflicts.
        query: selects a row for each conflict, with the columns place, record_id, row, fields, "then", now and first;
            place is the ctid of the change.
        referrer: the plural name or the table of the referring records.
    """

    changes: Changes
    reason: Reason
    query: Query
    referrer: str = ""

    def read(self, *, limit: int | None = None) -> tuple[list[Conflict], int]:
        """The first conflicts in row order, and the number of all."""
        with connection.cursor() as cursor:
            cursor.execute(
                'SELECT record_id, row, fields, "then", now, first, count(*) OVER ()'
                f" FROM ({self.query.sql}) AS obstacle ORDER BY row, record_id LIMIT %s",
                [*self.query.parameters, limit],
            )
            rows = cursor.fetchall()
        return [self._make_conflict(*row) for *row, _ in rows], rows[0][-1] if rows else 0

    def count_fields(self) -> int:
        """The number of columns concerned, of all conflicts together."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT coalesce(sum(cardinality(fields)), 0) FROM ({self.query.sql}) AS obstacle",
                self.query.parameters,
            )
            return int(cursor.fetchone()[0])

    def _make_conflict(
        self, record_id: int, row: int, fields: list[str], then: str, now: str, first: int | None
    ) -> Conflict:
        values_then, values_now = json.loads(then), json.loads(now)
        return Conflict(
            self.changes.importable.model,
            record_id,
            row,
            self.reason,
            tuple(fields),
            {name: values_then[name] for name in fields},
            {name: values_now[name] for name in fields if name in values_now},
            (self.referrer, first) if self.reason == Reason.REFERENCED else None,
        )


def find_edits(changes: TypeChanges) -> Iterator[Obstacle]:
    """Changes to the records since the import."""
    if created := changes.by_action.get(CREATED):
        yield Obstacle(created, Reason.CHANGED, select_edited_created(created))
    if (updated := changes.by_action.get(UPDATED)) and (query := select_edited_updated(updated)):
        yield Obstacle(updated, Reason.CHANGED, query)


def find_losses(changes: TypeChanges) -> Iterator[Obstacle]:
    """Values in the change log that can no longer be compared or restored."""
    for of_action in changes.by_action.values():
        if query := select_gone_columns(of_action):
            yield Obstacle(of_action, Reason.COLUMN_GONE, query)
    if updated := changes.by_action.get(UPDATED):
        for query in select_gone_references(updated):
            yield Obstacle(updated, Reason.REFERENCE_GONE, query)


def find_references(
    changes: TypeChanges, all_changes: Iterable[TypeChanges], *, discarding: bool = False
) -> Iterator[Obstacle]:
    """References to created records that will still be there after the revert.

    Not those of records that the import created, nor those that the revert overwrites. With ``discarding`` it also
    overwrites edited columns, unless the change log has them as kept.
    """
    if created := changes.by_action.get(CREATED):
        for key in find_foreign_keys(changes.importable.model):
            own = next((other for other in all_changes if other.importable.model is key.model), None)
            query = select_referenced(created, key, own, records=changes.counts[CREATED], discarding=discarding)
            referrer = get_plural_name(key.model) if key.model else key.table
            yield Obstacle(created, Reason.REFERENCED, query, referrer)


def find_obstacles(changes: TypeChanges, all_changes: Iterable[TypeChanges]) -> Iterator[Obstacle]:
    """All kinds of conflicts for the records of a type."""
    yield from find_edits(changes)
    yield from find_losses(changes)
    yield from find_references(changes, all_changes)
