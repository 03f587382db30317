"""Previews what a revert would do, without locks and without writing."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import index
from typing import Any, overload

from django.db import connection, transaction

from importsvc.changelog.models import CREATED, UPDATED
from importsvc.engine.revert.changes import Changes, TypeChanges, change_table, read_type_changes
from importsvc.engine.revert.conflicts import Conflict, Obstacle, find_obstacles
from importsvc.engine.revert.referrers import from_referrers
from importsvc.engine.revert.revert import UndoReport, list_conflicts
from importsvc.postgres.catalog import quote
from importsvc.postgres.foreign_keys import find_foreign_keys
from importsvc.postgres.plan_cache import force_generic_plans

OUTCOMES = ("removed", "restored", "conflict", "gone")


@dataclass(frozen=True)
class UndoChange:
    """What a revert would do to a record.

    Attributes:
        id: of the change.
        record_type: the importable's name.
        record_id: of the record.
        row: the row that created or updated the record.
        action: what the import did: ``created`` or ``updated``.
        outcome: ``removed``, ``restored``, ``conflict`` or ``gone``.
        fields: the columns of an updated record that would be restored, in alphabetical order; with conflicts, those
            that the policy ``keep`` would restore.
        conflicts: of the record.
        before, after: as in the change log.
    """

    id: int
    record_type: str
    record_id: int
    row: int
    action: str
    outcome: str
    fields: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    before: Mapping[str, Any] | None = field(default=None, compare=False)
    after: Mapping[str, Any] | None = field(default=None, compare=False)


class UndoPreview(Sequence[UndoChange]):
    """What a revert would do to each record, in the order of the change log.

    Each slice reads its own records only, and reads them again each time.
    """

    def __init__(self, *, organization_id: int, import_id: int) -> None:
        """Preview the revert of this import of the organization.

        Raises:
            UnknownTypeError: the change log names a type that is no longer registered.
        """
        self._organization_id = organization_id
        self._import_id = import_id
        self._all_changes = read_type_changes(organization_id=organization_id, import_id=import_id)

    def __len__(self) -> int:
        """The number of records that the import wrote."""
        return sum(sum(changes.counts.values()) for changes in self._all_changes)

    @overload
    def __getitem__(self, position: int) -> UndoChange: ...
    @overload
    def __getitem__(self, position: slice) -> list[UndoChange]: ...
    def __getitem__(self, position: int | slice) -> UndoChange | list[UndoChange]:
        """What a revert would do to a record, or to each record of a slice."""
        if isinstance(position, slice):
            start, stop, step = position.indices(len(self))
            if step != 1:
                raise ValueError("A slice has no step: the records come in the order of the change log")
            return self._read(start, stop)
        position = range(len(self))[index(position)]
        return self._read(position, position + 1)[0]

    def count_outcomes(self) -> dict[str, dict[str, int]]:
        """The number of records by type and by outcome; each type has all ``OUTCOMES``."""
        with transaction.atomic():
            force_generic_plans()
            return {each.importable.name: self._count_outcomes(each) for each in self._all_changes}

    def report_conflicts(self) -> UndoReport:
        """The report of a revert with the policy ``refuse``; without conflicts it is empty."""
        with transaction.atomic():
            force_generic_plans()
            conflicts, count = list_conflicts(self._all_changes)
            return UndoReport(conflicts=conflicts, conflict_count=count)

    def _count_outcomes(self, changes: TypeChanges) -> dict[str, int]:
        counts = dict.fromkeys(OUTCOMES, 0)
        obstacles = list(find_obstacles(changes, self._all_changes))
        for action, of_action in changes.by_action.items():
            left, conflicts = _count_records(of_action, [each for each in obstacles if each.changes.action == action])
            counts["removed" if action == CREATED else "restored"] += left - conflicts
            counts["conflict"] += conflicts
            counts["gone"] += max(changes.counts[action] - left, 0)
        return counts

    def _read(self, start: int, stop: int) -> list[UndoChange]:
        changes = self._read_changes(start, stop)
        ids: dict[tuple[str, str], list[int]] = defaultdict(list)
        for change in changes:
            ids[change.record_type, change.action].append(change.record_id)
        conflicts: dict[tuple[str, int], list[Conflict]] = defaultdict(list)
        left: set[tuple[str, int]] = set()
        for of_type in self._all_changes:
            page = _narrow(of_type, ids)
            name = page.importable.name
            left.update((name, record_id) for each in page.by_action.values() for record_id in _find_left(each))
            for obstacle in find_obstacles(page, self._all_changes):
                for conflict in obstacle.read()[0]:
                    conflicts[name, conflict.record_id].append(conflict)
        keys = [(change.record_type, change.record_id) for change in changes]
        return [
            _add_conflicts(change, conflicts[key], is_left=key in left)
            for change, key in zip(changes, keys, strict=True)
        ]

    def _read_changes(self, start: int, stop: int) -> list[UndoChange]:
        """The changes, with the outcomes that they have without conflicts."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, record_type, record_id, row, action, before, after"
                f" FROM {change_table()} WHERE organization_id = %s AND import_id = %s ORDER BY id LIMIT %s OFFSET %s",
                [self._organization_id, self._import_id, max(stop - start, 0), start],
            )
            return [
                UndoChange(
                    change_id,
                    record_type,
                    record_id,
                    row,
                    action,
                    "restored" if action == UPDATED else "removed",
                    tuple(sorted(json.loads(before))) if before else (),
                    before=before and json.loads(before),
                    after=json.loads(after),
                )
                for change_id, record_type, record_id, row, action, before, after in cursor
            ]


def make_etag(*, organization_id: int, import_id: int, state: Iterable[Any]) -> str:
    """The ETag of everything that a revert of the import depends on: 32 hexadecimal digits.

    That is ``state``, the records without their ignored fields, and the references to created records.

    Raises:
        UnknownTypeError: the change log names a type that is no longer registered.
    """
    parts: list[Any] = [*map(str, state)]
    with transaction.atomic():
        force_generic_plans()
        for of_type in read_type_changes(organization_id=organization_id, import_id=import_id):
            for changes in of_type.by_action.values():
                parts += [of_type.importable.name, changes.action, *_hash_records(changes)]
            if created := of_type.by_action.get(CREATED):
                parts += _hash_referrers(created, of_type.counts[CREATED])
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _count_records(changes: Changes, obstacles: Sequence[Obstacle]) -> tuple[int, int]:
    """The number of records that still exist, and of those with conflicts, of one snapshot."""
    left = changes.from_records("SELECT id")
    found = " UNION ALL ".join(f"SELECT record_id FROM ({obstacle.query.sql}) AS obstacle" for obstacle in obstacles)
    conflicts = f"(SELECT count(DISTINCT record_id) FROM ({found}) AS obstacles)" if obstacles else "0"
    parameters = [parameter for obstacle in obstacles for parameter in obstacle.query.parameters]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT (SELECT count(*) {left.sql}), {conflicts}", [*left.parameters, *parameters])
        (counts,) = cursor.fetchall()
        return counts[0], counts[1]


def _narrow(of_type: TypeChanges, ids: dict[tuple[str, str], list[int]]) -> TypeChanges:
    """The changes of a type to these records; ``ids`` has the records by type and action."""
    name = of_type.importable.name
    by_action = {
        action: replace(changes, record_ids=ids[name, action])
        for action, changes in of_type.by_action.items()
        if (name, action) in ids
    }
    counts = {action: len(changes.record_ids or ()) for action, changes in by_action.items()}
    return TypeChanges(of_type.importable, by_action, counts)


def _find_left(changes: Changes) -> Iterator[int]:
    records = changes.from_records("SELECT id")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT record.id {records.sql}", records.parameters)
        yield from (record_id for (record_id,) in cursor)


def _add_conflicts(change: UndoChange, conflicts: Sequence[Conflict], *, is_left: bool) -> UndoChange:
    if not is_left:
        return replace(change, outcome="gone", fields=())
    if not conflicts:
        return change
    disputed = {name for conflict in conflicts for name in conflict.fields}
    fields = tuple(name for name in change.fields if name not in disputed)
    return replace(change, outcome="conflict", fields=fields, conflicts=tuple(conflicts))


def _hash_records(changes: Changes) -> tuple[Any, ...]:
    seen = changes.columns.keys() - changes.importable.ignored_columns
    columns = ", ".join(quote(name) for name in sorted(seen))
    records = changes.from_records(f"SELECT ROW({columns})::text AS content")
    return _sum_hashes(f"SELECT record.content {records.sql}", records.parameters)


def _hash_referrers(changes: Changes, records: int) -> Iterator[Any]:
    for key in find_foreign_keys(changes.importable.model):
        referrers = from_referrers(changes, key, is_small=key.rows < records)
        own_id = f"other.{quote(str(key.model._meta.pk.column))}" if key.model else "''"
        content = f"SELECT concat_ws(' ', change.record_id, {own_id}) AS content {referrers.sql}"
        yield from (key.table, key.columns, *_sum_hashes(content, referrers.parameters))


def _sum_hashes(select: str, parameters: Sequence[Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), sum(hashtextextended(content, 0)), sum(hashtextextended(content, 1))"
            f" FROM ({select} OFFSET 0) AS hashed",
            parameters,
        )
        return tuple(cursor.fetchall()[0])
