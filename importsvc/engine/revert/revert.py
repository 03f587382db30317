"""The journal back to what was before: records removed and restored, set-based, or the reasons why not.

The caller owns the transaction, has locked the import and the organization, and reads at READ COMMITTED: each
statement here sees what was committed before it began, and rows are locked before they are judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from importsvc.engine.apply.change_values import write_values
from importsvc.engine.revert.changes import Journaled, lock_records, mark_gone, read_journaled
from importsvc.engine.revert.conflict_policy import count_kept, mark_kept
from importsvc.engine.revert.conflicts import Conflict, find_obstacles
from importsvc.engine.revert.delete import analyze_tables, remove_records
from importsvc.journal import CREATED, UPDATED
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
    import_id: int,
    on_conflict: OnConflict = "refuse",
    check: Callable[[], None] = lambda: None,
) -> UndoReport:
    """Restore what the import updated and remove what it created.

    What was changed since, is referred to by something the import did not create, or cannot be restored stands in the
    way. Then ``refuse`` does nothing at all; ``keep`` leaves that as it is, field by field of updated records, and all
    that it refers to; ``discard`` keeps only what is referred to and what cannot be restored. Records that are gone
    already are no obstacle. What is kept and what was gone is noted in the journal.

    Args:
        import_id: which import.
        on_conflict: one of ``ON_CONFLICT``.
        check: called when the records are locked and nothing was decided; may raise what it likes.

    Raises:
        UnknownTypeError: the journal names a type that is not registered any more.
        django.db.IntegrityError: the database knows better, because somebody wrote meanwhile. Nothing may be kept of
            the transaction.
    """
    force_generic_plans()
    journaled = read_journaled(import_id)
    left = [{action: lock_records(entries) for action, entries in each.entries.items()} for each in journaled]
    check()
    if on_conflict == "refuse":
        conflicts, count = list_conflicts(journaled)
        if count:
            return UndoReport(conflicts=conflicts, conflict_count=count)
    else:
        mark_kept(journaled, discarding=on_conflict == "discard")
    report = _report(journaled, left, any_kept=on_conflict != "refuse")
    _do(journaled, left)
    return report


def list_conflicts(journaled: Iterable[Journaled]) -> tuple[list[Conflict], int]:
    """The first conflicts, type by type and of each type kind by kind, and how many there are."""
    conflicts: list[Conflict] = []
    count = 0
    for each in journaled:
        for obstacle in find_obstacles(each, journaled):
            found, total = obstacle.read(limit=REPORTED_CONFLICTS)
            conflicts.extend(found[: REPORTED_CONFLICTS - len(conflicts)])
            count += total
    return conflicts, count


def _report(journaled: Sequence[Journaled], left: Sequence[dict[str, int]], *, any_kept: bool = False) -> UndoReport:
    report = UndoReport()
    for each, counts in zip(journaled, left, strict=True):
        name = each.importable.name
        kept = {action: count_kept(entries) if any_kept else 0 for action, entries in each.entries.items()}
        report.removed[name] = counts.get(CREATED, 0) - kept.get(CREATED, 0)
        report.restored[name] = counts.get(UPDATED, 0) - kept.get(UPDATED, 0)
        report.kept[name] = sum(kept.values())
        report.gone[name] = sum(each.counts.values()) - sum(counts.values())
    return report


def _do(journaled: Sequence[Journaled], left: Sequence[dict[str, int]]) -> None:
    """Undo what the journal does not say is kept. What is restored may have referred to what is removed."""
    for each, counts in zip(journaled, left, strict=True):
        for action, entries in each.entries.items():
            if counts[action] < each.counts[action]:
                mark_gone(entries)
    for each in journaled:
        if UPDATED in each.entries:
            write_values(each.importable, import_id=each.entries[UPDATED].import_id, side="before")
    for each, counts in zip(journaled, left, strict=True):
        if counts.get(CREATED, 0) >= ANALYZED_FROM:
            analyze_tables(each.importable.model)
    for each in reversed(journaled):
        if CREATED in each.entries:
            remove_records(each.entries[CREATED])
