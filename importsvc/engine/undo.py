"""The journal back to nothing: an import undone, set-based, as far as nothing stands in the way.

The caller owns the transaction, has locked the import and the organization, and reads at READ COMMITTED: each
statement here sees what was committed before it began, and rows are locked before they are judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from django.db import connection
from django.db.models import Model

from importsvc.engine import registry
from importsvc.engine.applying import apply_values
from importsvc.engine.conflicts import REPORTED_CONFLICTS, Conflict, find_conflicts, read_conflicts
from importsvc.engine.copying import forget_plans
from importsvc.engine.entries import Entries, quoted_journal
from importsvc.engine.foreign_keys import find_foreign_keys
from importsvc.engine.keeping import count_kept, journal_kept, keep_conflicts
from importsvc.engine.references import KEPT
from importsvc.journal import CREATED, UPDATED

ACTIONS = (CREATED, UPDATED)

# From as many records on it pays to let PostgreSQL count a table before they are removed.
COUNTED_FROM = 1_000

# What to do about conflicts: nothing at all; leave what somebody changed since; undo what was changed as well. What
# something outside of the import refers to is never removed.
OnConflict = Literal["refuse", "keep", "discard"]


class UnknownTypeError(LookupError):
    """The journal names a type that is not registered any more; the message is its name."""


@dataclass(frozen=True)
class UndoReport:
    """What undoing an import does, by importable name, or the conflicts because of which it does nothing.

    Attributes:
        removed: how many records are removed, for each type of which some were created.
        conflicts: at most ``REPORTED_CONFLICTS``: those of changes, then those of references, type by type.
        conflict_count: how many there are in all.
        restored: how many records get all their values back, for each type of which some were updated.
        kept: how many stay or keep something, for types of which some do.
        gone: how many were gone already, for types of which some were.
    """

    removed: Mapping[str, int]
    conflicts: Sequence[Conflict] = field(default_factory=list)
    conflict_count: int = 0
    restored: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
    gone: Mapping[str, int] = field(default_factory=dict)


def undo(
    *,
    import_id: int,
    on_conflict: OnConflict = "refuse",
    dry_run: bool = False,
    approve: Callable[[], None] = lambda: None,
) -> UndoReport:
    """Remove every record that the import created and give those that it updated their values back.

    In the way stands what was changed since, by whatever path, what something refers to that does not go with the
    import, and a value that cannot be brought back. Records that are gone already are no obstacle.

    Args:
        import_id: which import.
        on_conflict: ``refuse``: if anything stands in the way, nothing is done. ``keep``: that is left, and all else
            undone, updates column by column. ``discard``: changes are undone as well.
        dry_run: only tell what ``refuse`` would do.
        approve: called when all records are locked, before any is judged; raises if nothing is to be done.

    Raises:
        UnknownTypeError: the journal names a type that is not registered any more.
        django.db.IntegrityError: the database knows better, because somebody wrote meanwhile. Nothing may be kept of
            the transaction.
    """
    forget_plans()
    journaled = count_entries(import_id)
    left = {entries: _lock_records(entries) for entries in journaled}
    approve()
    if on_conflict == "refuse" or dry_run:
        conflicts, count = _find_conflicts(left)
        if not count and not dry_run:
            _restore_and_remove(journaled, left, is_kept=False)
        return _report(journaled, left, conflicts=conflicts, conflict_count=count)
    with keep_conflicts(left, edits=on_conflict == "keep"):
        kept = {entries: count_kept(entries) for entries in left}
        journal_kept(import_id)
        _restore_and_remove(journaled, left, is_kept=any(kept.values()))
    undone = {entries: count - kept[entries] for entries, count in left.items()}
    return _report(journaled, undone, kept)


def count_entries(import_id: int) -> dict[Entries, int]:
    """How many entries of each type and action an import has in the journal, those of types referred to first.

    Raises:
        UnknownTypeError: the journal names a type that is not registered any more.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT record_type, action, count(*) FROM {quoted_journal()} WHERE import_id = %s GROUP BY 1, 2",
            [import_id],
        )
        counts = {(record_type, action): count for record_type, action, count in cursor}
    importables = registry.in_dependency_order()
    if unknown := {name for name, _ in counts} - {importable.name for importable in importables}:
        raise UnknownTypeError(min(unknown))
    return {
        Entries(import_id, importable, action): counts[importable.name, action]
        for importable in importables
        for action in ACTIONS
        if (importable.name, action) in counts
    }


def _report(
    journaled: Mapping[Entries, int],
    undone: Mapping[Entries, int],
    kept: Mapping[Entries, int] | None = None,
    **conflicts: Any,
) -> UndoReport:
    kept_by_type: dict[str, int] = {}
    gone: dict[str, int] = {}
    for entries, count in journaled.items():
        name, stays = entries.importable.name, kept[entries] if kept else 0
        kept_by_type[name] = kept_by_type.get(name, 0) + stays
        gone[name] = gone.get(name, 0) + count - undone[entries] - stays
    return UndoReport(
        removed=_by_type(undone, CREATED),
        restored=_by_type(undone, UPDATED),
        kept={name: count for name, count in kept_by_type.items() if count},
        gone={name: count for name, count in gone.items() if count},
        **conflicts,
    )


def _by_type(counts: Mapping[Entries, int], action: str) -> dict[str, int]:
    return {entries.importable.name: count for entries, count in counts.items() if entries.action == action}


def _lock_records(entries: Entries) -> int:
    """Lock the records that are left against every change, and every new reference, and count them."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {entries.source_with_records('SELECT id', 'FOR UPDATE')}", entries.parameters)
        return int(cursor.fetchone()[0])


def _find_conflicts(left: Mapping[Entries, int]) -> tuple[list[Conflict], int]:
    """The first conflicts, type by type those of changes before those of references, and how many there are."""
    conflicts: list[Conflict] = []
    count = 0
    for entries, records in left.items():
        for kind in find_conflicts(entries, records=records):
            found, total = read_conflicts(kind, entries.importable.model)
            conflicts.extend(found[: REPORTED_CONFLICTS - len(conflicts)])
            count += total
    return conflicts, count


def _restore_and_remove(journaled: Mapping[Entries, int], left: Mapping[Entries, int], *, is_kept: bool) -> None:
    """Undo what ``undo_kept`` does not hold, if ``is_kept`` says that it holds anything.

    Values first: they may refer to records that are to be removed.
    """
    for entries, count in journaled.items():
        if left[entries] < count:
            _journal_gone(entries)
        if entries.action == UPDATED:
            apply_values(entries, "before", kept=is_kept)
    created = [entries for entries in left if entries.action == CREATED]
    for entries in created:
        if left[entries] >= COUNTED_FROM:
            count_rows(entries.importable.model)
    for entries in reversed(created):
        _delete_records(entries, is_kept=is_kept)


def _journal_gone(entries: Entries) -> None:
    """Note in the journal which records were gone already."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quoted_journal()} AS change SET outcome = 'gone' WHERE {entries.condition('change')}"
            f" AND NOT EXISTS (SELECT FROM {entries.table} AS record WHERE record.id = change.record_id)",
            entries.parameters,
        )


def count_rows(model: type[Model]) -> None:
    """Let PostgreSQL see how many records there are, and how many of what refers to them.

    Or it may check keys as if the tables were as empty as they were. Skipped while somebody else does it, or vacuums:
    nobody waits for anybody.
    """
    quote = connection.ops.quote_name
    columns: dict[str, set[str]] = {quote(model._meta.db_table): {quote(str(model._meta.pk.column))}}
    for key in find_foreign_keys(model):
        columns.setdefault(key.table, set()).update(quote(column) for column, _ in key.columns)
    with connection.cursor() as cursor:
        for table, counted in columns.items():
            cursor.execute(f"ANALYZE (SKIP_LOCKED) {table} ({', '.join(sorted(counted))})")


def _delete_records(entries: Entries, *, is_kept: bool) -> None:
    """Remove the records. They are locked, so they are where they are found: there is one way only to go there."""
    places = f"SELECT record.ctid {entries.source_with_records('SELECT ctid')}"
    if is_kept:
        places += (
            f" WHERE NOT EXISTS (SELECT FROM {KEPT} AS kept WHERE kept.record_type = change.record_type"
            " AND kept.record_id = change.record_id)"
        )
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {entries.table} WHERE ctid = ANY(ARRAY({places}))", entries.parameters)
