"""Previews what a revert would do, without locks and without writing."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from django.db import connection

from importsvc.changelog.listing import ChangeSequence
from importsvc.changelog.models import CREATED, KEPT, Change
from importsvc.engine.revert.changes import Changes, TypeChanges, read_type_changes
from importsvc.engine.revert.conflicts import Conflict, Obstacle, find_edits, find_obstacles
from importsvc.engine.revert.referrers import from_referrers
from importsvc.engine.revert.revert import UndoReport, list_conflicts
from importsvc.postgres.catalog import quote
from importsvc.postgres.foreign_keys import find_foreign_keys

# The kept records whose conflicts are read by one query for each kind.
KEPT_AT_ONCE = 2_000

OUTCOMES = ("removed", "restored", "conflict", "gone")


@dataclass(frozen=True)
class UndoChange:
    """What a revert would do to a record.

    Attributes:
        change: what the import did, in the change log.
        outcome: ``removed``, ``restored``, ``conflict`` or ``gone``.
        fields: the columns of an updated record that would be restored, in alphabetical order; with conflicts, those
            that the policy ``keep`` would restore.
        conflicts: of the record.
    """

    change: Change
    outcome: str
    fields: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


class UndoPreview:
    """What a revert would do to each record. To count, the caller has called ``force_generic_plans``."""

    def __init__(self, *, organization_id: int, import_id: int) -> None:
        """Preview the revert of this import of the organization.

        Raises:
            UnknownTypeError: the change log names a type that is no longer registered.
        """
        self._logged = Change.objects.of_import(organization_id=organization_id, import_id=import_id)
        self._all = ChangeSequence(organization_id=organization_id, import_id=import_id)
        self._all_changes = read_type_changes(organization_id=organization_id, import_id=import_id)

    def __len__(self) -> int:
        """The number of records that the import wrote."""
        return sum(sum(changes.counts.values()) for changes in self._all_changes)

    def __getitem__(self, part: slice) -> list[UndoChange]:
        """What a revert would do to each record of a slice, in the order of the change log; read each time."""
        return self._preview(self._all[part])

    def read_kept(self, part: slice | None = None) -> Iterator[UndoChange]:
        """Likewise, of the records that are marked as kept, type by type in row order.

        The conflicts of such a record include references from records that are kept themselves. The caller has marked
        the records by ``mark_kept`` in its transaction, and rolls that back.
        """
        kept = self._logged.filter(outcome=KEPT).order_by("record_type", "row", "id")
        if part is not None:
            yield from self._preview(list(kept[part]))
            return
        rows = kept.iterator(chunk_size=KEPT_AT_ONCE)
        while logged := list(islice(rows, KEPT_AT_ONCE)):
            yield from self._preview(logged)

    def count_edits(self) -> int:
        """The number of values that the import gave to these records and that were changed since.

        Called as ``read_kept`` is: a record with such a value is marked as kept.
        """
        edits = 0
        for of_type in self._all_changes:
            kept = {action: replace(each, outcome=KEPT) for action, each in of_type.by_action.items()}
            for obstacle in find_edits(of_type._replace(by_action=kept)):
                edits += obstacle.count_fields()
        return edits

    def _preview(self, logged: Sequence[Change]) -> list[UndoChange]:
        conflicts: dict[tuple[str, int], list[Conflict]] = defaultdict(list)
        left: set[tuple[str, int]] = set()
        for of_type in self._all_changes:
            page = _narrow(of_type, logged)
            name = page.importable.name
            left.update((name, record_id) for each in page.by_action.values() for record_id in _find_left(each))
            for obstacle in find_obstacles(page, self._all_changes):
                for conflict in obstacle.read()[0]:
                    conflicts[name, conflict.record_id].append(conflict)
        keys = [(change.record_type, change.record_id) for change in logged]
        return [
            _judge(change, conflicts[key]) if key in left else UndoChange(change, "gone")
            for change, key in zip(logged, keys, strict=True)
        ]

    def count_outcomes(self) -> dict[str, dict[str, int]]:
        """The number of records by type and by outcome; each type has all ``OUTCOMES``."""
        return {each.importable.name: self._count_outcomes(each) for each in self._all_changes}

    def report_conflicts(self) -> UndoReport:
        """The report of a revert with the policy ``refuse``; without conflicts it is empty."""
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


def make_etag(*, organization_id: int, import_id: int, state: Iterable[Any]) -> str:
    """The ETag of everything that a revert of the import depends on: 32 hexadecimal digits.

    That is ``state``, the records without their ignored fields, and the references to created records. The caller has
    called ``force_generic_plans``.

    Raises:
        UnknownTypeError: the change log names a type that is no longer registered.
    """
    parts: list[Any] = [*map(str, state)]
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


def _narrow(of_type: TypeChanges, logged: Iterable[Change]) -> TypeChanges:
    """The changes of a type that are among these."""
    ids: dict[str, list[int]] = defaultdict(list)
    for change in logged:
        if change.record_type == of_type.importable.name:
            ids[change.action].append(change.record_id)
    by_action = {action: replace(of_type.by_action[action], record_ids=found) for action, found in ids.items()}
    return TypeChanges(of_type.importable, by_action, {action: len(found) for action, found in ids.items()})


def _find_left(changes: Changes) -> Iterator[int]:
    records = changes.from_records("SELECT id")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT record.id {records.sql}", records.parameters)
        yield from (record_id for (record_id,) in cursor)


def _judge(change: Change, conflicts: Sequence[Conflict]) -> UndoChange:
    """What a revert would do to a record that still exists."""
    disputed = {name for conflict in conflicts for name in conflict.fields}
    fields = tuple(sorted((change.before or {}).keys() - disputed))
    undone = "removed" if change.action == CREATED else "restored"
    return UndoChange(change, "conflict" if conflicts else undone, fields, tuple(conflicts))


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
