"""What stands in the way of undoing an import: what was done since to the records that it wrote.

Each kind of obstacle is one statement over changes, so that the same words decide whether a revert is refused, what it
keeps, what a preview counts and what it shows.
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
    """Why a record cannot be removed or a value not restored."""

    CHANGED = "changed"
    REFERENCED = "referenced"
    COLUMN_GONE = "column_gone"
    REFERENCE_GONE = "reference_gone"


@dataclass(frozen=True)
class Conflict:
    """What stands in the way of undoing what an import did to a record.

    Attributes:
        model: of the record.
        record_id: its id.
        row: the row that made or updated it.
        reason: ``changed`` if it was changed since, ``referenced`` if something refers to it, ``column_gone`` if the
            table no longer has columns that the change log has, ``reference_gone`` if the record that it referred to
            before the import no longer exists.
        fields: the columns concerned, in alphabetical order; none for references to it.
        then: their values as the import left them; for ``reference_gone`` those before the import.
        now: their values now, where the table has them.
        referenced_by: what refers to it, in words, and the id of the first of those, if that is a number.
        referrers: how many of those there are.
    """

    model: type[Model]
    record_id: int
    row: int
    reason: Reason = Reason.CHANGED
    fields: tuple[str, ...] = ()
    then: Mapping[str, Any] = field(default_factory=dict)
    now: Mapping[str, Any] = field(default_factory=dict)
    referenced_by: tuple[str, int | None] | None = None
    referrers: int = 0


@dataclass(frozen=True)
class Obstacle:
    """A kind of conflict of records of one type.

    Attributes:
        changes: the changes of the records concerned.
        reason: why it is a conflict.
        query: selects a row for each conflict, with the columns place, record_id, row, fields, "then", now, first and
            referrers; place is that of the change.
        referrer: what refers to the records, in words.
    """

    changes: Changes
    reason: Reason
    query: Query
    referrer: str = ""

    def read(self, *, limit: int | None = None) -> tuple[list[Conflict], int]:
        """The first conflicts in row order, and how many there are in all."""
        with connection.cursor() as cursor:
            cursor.execute(
                'SELECT record_id, row, fields, "then", now, first, referrers, count(*) OVER ()'
                f" FROM ({self.query.sql}) AS obstacle ORDER BY row, record_id LIMIT %s",
                [*self.query.parameters, limit],
            )
            rows = cursor.fetchall()
        return [self._make_conflict(*row) for *row, _ in rows], rows[0][-1] if rows else 0

    def _make_conflict(
        self, record_id: int, row: int, fields: list[str], then: str, now: str, first: int | None, referrers: int
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
            referrers,
        )


def find_edits(changes: TypeChanges) -> Iterator[Obstacle]:
    """What was done since to the records themselves."""
    if created := changes.by_action.get(CREATED):
        yield Obstacle(created, Reason.CHANGED, select_edited_created(created))
    if (updated := changes.by_action.get(UPDATED)) and (query := select_edited_updated(updated)):
        yield Obstacle(updated, Reason.CHANGED, query)


def find_losses(changes: TypeChanges) -> Iterator[Obstacle]:
    """Values of the change log that can no longer be compared or restored."""
    for of_action in changes.by_action.values():
        if query := select_gone_columns(of_action):
            yield Obstacle(of_action, Reason.COLUMN_GONE, query)
    if updated := changes.by_action.get(UPDATED):
        for query in select_gone_references(updated):
            yield Obstacle(updated, Reason.REFERENCE_GONE, query)


def find_references(
    changes: TypeChanges, all_changes: Iterable[TypeChanges], *, discarding: bool = False
) -> Iterator[Obstacle]:
    """What refers to created records and will go on to do so: nothing the import created, and nothing it restores.

    ``discarding`` means that edited columns are restored, too, unless the change log has them as kept.
    """
    if created := changes.by_action.get(CREATED):
        for key in find_foreign_keys(changes.importable.model):
            own = next((other for other in all_changes if other.importable.model is key.model), None)
            query = select_referenced(created, key, own, records=changes.counts[CREATED], discarding=discarding)
            referrer = get_plural_name(key.model) if key.model else key.table
            yield Obstacle(created, Reason.REFERENCED, query, referrer)


def find_obstacles(changes: TypeChanges, all_changes: Iterable[TypeChanges]) -> Iterator[Obstacle]:
    """Everything that may stand in the way of removing or restoring the records of a type."""
    yield from find_edits(changes)
    yield from find_losses(changes)
    yield from find_references(changes, all_changes)
