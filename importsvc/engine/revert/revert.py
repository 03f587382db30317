"""From the change log back to what was before: records removed and restored, set-based, or the reasons why not.

The caller owns the transaction, has locked the import and the organization, and reads at READ COMMITTED: each
statement here sees what was committed before it began, and rows are locked before they are judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from importsvc.changelog.models import CREATED, UPDATED
from importsvc.engine.apply.change_values import apply_change_values
from importsvc.engine.revert.changes import TypeChanges, lock_records, mark_gone, read_type_changes
from importsvc.engine.revert.conflict_policy import count_kept, mark_kept
from importsvc.engine.revert.conflicts import Conflict, find_obstacles
from importsvc.engine.revert.delete import analyze_tables, remove_records
from importsvc.postgres.plan_cache import force_generic_plans

OnConflict = Literal["refuse", "keep", "discard"]
ON_CONFLICT: tuple[OnConflict, ...] = get_args(OnConflict)

REPORTED_CONFLICTS = 1_000

# From as many records on it pays to analyze the tables before they are removed.
ANALYZED_FROM = 1_000


@dataclass(frozen=True)
class UndoReport:
    """What undoing an import does, by importable name, or the conflicts because of which it does nothing.

    Attributes:
        removed: how many created records are removed.
        restored: how many updated records get back everything that the import changed.
        kept: how many records, created or updated, of which anything is kept.
        gone: how many records were not there any more.
        conflicts: at most ``REPORTED_CONFLICTS``, type by type; only of ``refuse``, which then does nothing.
        conflict_count: how many there are in all.
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
) -> UndoReport:
    """Restore what the import updated and remove what it created.

    What was changed since, is referred to by something the import did not create, or cannot be restored stands in the
    way. Then ``refuse`` does nothing at all; ``keep`` leaves that as it is, field by field of updated records, and all
    that it refers to; ``discard`` keeps only what is referred to and what cannot be restored. Records that are gone
    already are no obstacle. What is kept and what was gone is written into the change log.

    Args:
        organization_id: the organization of the import.
        import_id: which import.
        on_conflict: one of ``ON_CONFLICT``.
        check: called when the records are locked and nothing was decided; may raise what it likes.

    Raises:
        UnknownTypeError: the change log names a type that is no longer registered.
        django.db.IntegrityError: another transaction wrote meanwhile. The caller rolls the transaction back.
    """
    force_generic_plans()
    all_changes = read_type_changes(organization_id=organization_id, import_id=import_id)
    left = [{action: lock_records(changes) for action, changes in each.by_action.items()} for each in all_changes]
    check()
    if on_conflict == "refuse":
        conflicts, count = list_conflicts(all_changes)
        if count:
            return UndoReport(conflicts=conflicts, conflict_count=count)
    else:
        mark_kept(all_changes, discarding=on_conflict == "discard")
    report = _report(all_changes, left, any_kept=on_conflict != "refuse")
    _do(all_changes, left)
    return report


def list_conflicts(all_changes: Iterable[TypeChanges]) -> tuple[list[Conflict], int]:
    """The first conflicts, type by type and of each type kind by kind, and how many there are."""
    conflicts: list[Conflict] = []
    count = 0
    for each in all_changes:
        for obstacle in find_obstacles(each, all_changes):
            found, total = obstacle.read(limit=REPORTED_CONFLICTS)
            conflicts.extend(found[: REPORTED_CONFLICTS - len(conflicts)])
            count += total
    return conflicts, count


def _report(
    all_changes: Sequence[TypeChanges], left: Sequence[dict[str, int]], *, any_kept: bool = False
) -> UndoReport:
    report = UndoReport()
    for each, counts in zip(all_changes, left, strict=True):
        name = each.importable.name
        kept = {action: count_kept(changes) if any_kept else 0 for action, changes in each.by_action.items()}
        report.removed[name] = counts.get(CREATED, 0) - kept.get(CREATED, 0)
        report.restored[name] = counts.get(UPDATED, 0) - kept.get(UPDATED, 0)
        report.kept[name] = sum(kept.values())
        report.gone[name] = sum(each.counts.values()) - sum(counts.values())
    return report


def _do(all_changes: Sequence[TypeChanges], left: Sequence[dict[str, int]]) -> None:
    """Undo what the change log does not have as kept. A restored record may have referred to one that is removed."""
    for each, counts in zip(all_changes, left, strict=True):
        for action, changes in each.by_action.items():
            if counts[action] < each.counts[action]:
                mark_gone(changes)
    for each in all_changes:
        if updated := each.by_action.get(UPDATED):
            apply_change_values(
                each.importable,
                organization_id=updated.organization_id,
                import_id=updated.import_id,
                side="before",
            )
    for each, counts in zip(all_changes, left, strict=True):
        if counts.get(CREATED, 0) >= ANALYZED_FROM:
            analyze_tables(each.importable.model)
    for each in reversed(all_changes):
        if CREATED in each.by_action:
            remove_records(each.by_action[CREATED])
