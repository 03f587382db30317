"""Undoes an import by set-based statements: removes the records that it created, restores the ones that it updated.

The caller owns the transaction, at READ COMMITTED, and has locked the import and the organization. Each statement sees
what was committed before it, and records are locked before conflicts are looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, get_args

from importsvc.changelog.models import CREATED, UPDATED
from importsvc.engine.apply.change_values import apply_change_values
from importsvc.engine.revert.changes import TypeChanges, lock_records, read_type_changes
from importsvc.engine.revert.conflict_policy import count_kept, mark_kept
from importsvc.engine.revert.conflicts import Conflict, find_obstacles
from importsvc.engine.revert.delete import analyze_tables, remove_records
from importsvc.engine.revert.unpacking import mark_gone
from importsvc.postgres.plan_cache import force_generic_plans

OnConflict = Literal["refuse", "keep", "discard"]
ON_CONFLICT: tuple[OnConflict, ...] = get_args(OnConflict)

REPORTED_CONFLICTS = 1_000

# The number of created records from which ANALYZE before their removal is worth its time.
ANALYZED_FROM = 1_000


@dataclass(frozen=True)
class UndoReport:
    """What undoing an import did, as numbers of records by importable name, or the conflicts that prevented it.

    Attributes:
        removed: created records that are removed.
        restored: updated records of which all values that the import changed are restored.
        kept: records that are kept, or of which values are kept.
        gone: records that no longer existed.
        conflicts: at most ``REPORTED_CONFLICTS``, type by type; only with the policy ``refuse``.
        conflict_count: the number of all conflicts.
    """

    removed: dict[str, int] = field(default_factory=dict)
    restored: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    conflict_count: int = 0


def undo(
    *,
    organization_id: int,
    import_id: int,
    on_conflict: OnConflict = "refuse",
    check: Callable[[], None] = lambda: None,
    progress: Callable[[str, int], object] = lambda *_: None,
) -> UndoReport:
    """Restore the records that the import updated and remove the records that it created.

    A conflict is a value that was changed since or cannot be restored, or a reference from a record that the import did
    not create. With conflicts, ``refuse`` does nothing; ``keep`` keeps these values and records, and the records that
    they refer to; ``discard`` keeps only records that are referred to and values that cannot be restored. Records that
    no longer exist are no conflict. The outcomes ``kept`` and ``gone`` are written into the change log.

    Args:
        organization_id: the organization of the import.
        import_id: the import.
        on_conflict: one of ``ON_CONFLICT``.
        check: called after the records are locked and before anything is written; may raise any exception.
        progress: called with ``read``, ``checked`` or ``written`` and the number of changes that were read, whose
            records were locked, and that were undone; those that are kept or gone are not undone.

    Raises:
        UnknownTypeError: the change log names a type that is no longer registered.
        django.db.IntegrityError: another transaction has written the same records. The caller rolls back.
    """
    force_generic_plans()
    all_changes = read_type_changes(organization_id=organization_id, import_id=import_id)
    progress("read", sum(sum(each.counts.values()) for each in all_changes))
    left = []
    for each in all_changes:
        left.append({action: lock_records(changes) for action, changes in each.by_action.items()})
        progress("checked", sum(each.counts.values()))
    check()
    if on_conflict == "refuse":
        conflicts, count = list_conflicts(all_changes)
        if count:
            return UndoReport(conflicts=conflicts, conflict_count=count)
    else:
        mark_kept(all_changes, discarding=on_conflict == "discard")
    report = make_report(all_changes, left, any_kept=on_conflict != "refuse")
    _do(all_changes, left, partial(progress, "written"))
    return report


def list_conflicts(all_changes: Iterable[TypeChanges]) -> tuple[list[Conflict], int]:
    """The first conflicts, by type and then by kind, and the number of all."""
    conflicts: list[Conflict] = []
    count = 0
    for each in all_changes:
        for obstacle in find_obstacles(each, all_changes):
            found, total = obstacle.read(limit=REPORTED_CONFLICTS)
            conflicts.extend(found[: REPORTED_CONFLICTS - len(conflicts)])
            count += total
    return conflicts, count


def make_report(all_changes: Sequence[TypeChanges], left: Sequence[Mapping[str, int]], *, any_kept: bool) -> UndoReport:
    """What a revert does once it has marked what it keeps.

    Args:
        all_changes: of the import.
        left: for each type, the numbers of records that still exist, by action.
        any_kept: whether the policy may keep records.
    """
    report = UndoReport()
    for each, counts in zip(all_changes, left, strict=True):
        name = each.importable.name
        kept = {action: count_kept(changes) if any_kept else 0 for action, changes in each.by_action.items()}
        report.removed[name] = counts.get(CREATED, 0) - kept.get(CREATED, 0)
        report.restored[name] = counts.get(UPDATED, 0) - kept.get(UPDATED, 0)
        report.kept[name] = sum(kept.values())
        report.gone[name] = sum(each.counts.values()) - sum(counts.values())
    return report


def _do(all_changes: Sequence[TypeChanges], left: Sequence[dict[str, int]], progress: Callable[[int], object]) -> None:
    """Undo the changes that are not kept. Restoring comes first: a restored record may refer to one that is removed."""
    for each, counts in zip(all_changes, left, strict=True):
        for action, changes in each.by_action.items():
            if counts[action] < each.counts[action]:
                mark_gone(changes)
    for each in all_changes:
        if updated := each.by_action.get(UPDATED):
            restored = apply_change_values(
                each.importable,
                organization_id=updated.organization_id,
                import_id=updated.import_id,
                side="before",
            )
            progress(restored)
    for each, counts in zip(all_changes, left, strict=True):
        if counts.get(CREATED, 0) >= ANALYZED_FROM:
            analyze_tables(each.importable.model)
    for each in reversed(all_changes):
        if CREATED in each.by_action:
            remove_records(each.by_action[CREATED], progress)
