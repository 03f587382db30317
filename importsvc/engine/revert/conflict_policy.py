"""The conflict policies ``keep`` and ``discard``: they mark in the change log what a revert keeps.

The revert then neither removes nor restores changes that have the outcome ``kept``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db import connection

from importsvc.changelog.models import CREATED, KEPT, UPDATED, SingleChange
from importsvc.engine.revert.changes import Changes, Query, TypeChanges, change_table, join_by_nested_loops
from importsvc.engine.revert.conflicts import Obstacle, find_edits, find_losses, find_references
from importsvc.engine.revert.unpacking import unpack_changes
from importsvc.postgres.foreign_keys import find_foreign_keys


def mark_kept(all_changes: Sequence[TypeChanges], *, discarding: bool) -> None:
    """Write the outcome ``kept`` for records, and for updated records the columns that are kept.

    Kept are: values that were changed since the import, unless edits are discarded; values that cannot be restored;
    created records that will still be referred to after the revert; and created records that kept records refer to.
    """
    join_by_nested_loops()
    for each in all_changes:
        for obstacle in _find_kept(each, discarding=discarding):
            _mark(obstacle)
    # After the columns of updated records are marked: a kept reference keeps the record that it refers to. Types that
    # refer to others come first, so that a further pass finds something only if one refers to itself or in a circle.
    may_form_circle = _may_form_circle(all_changes)
    while sum(_mark_references(each, all_changes, discarding=discarding) for each in reversed(all_changes)):
        if not may_form_circle:
            break


def count_kept(changes: Changes) -> int:
    """The number of these changes that have the outcome ``kept``."""
    kept = SingleChange.objects.filter(organization_id=changes.organization_id, import_record_id=changes.import_id)
    return kept.filter(record_type=changes.importable.name, action=changes.action, outcome=KEPT).count()


def _may_form_circle(all_changes: Sequence[TypeChanges]) -> bool:
    """Whether a type refers to itself, or to a type that comes after it."""
    models = [each.importable.model for each in all_changes]
    return any(
        key.model in models[: position + 1] for position, model in enumerate(models) for key in find_foreign_keys(model)
    )


def _find_kept(changes: TypeChanges, *, discarding: bool) -> Iterator[Obstacle]:
    if discarding:
        # A created record is removed even if the table no longer has columns that the change log has.
        yield from (obstacle for obstacle in find_losses(changes) if obstacle.changes.action == UPDATED)
    else:
        yield from find_edits(changes)
        yield from find_losses(changes)


def _mark_references(changes: TypeChanges, all_changes: Sequence[TypeChanges], *, discarding: bool) -> int:
    return sum(map(_mark, find_references(changes, all_changes, discarding=discarding)))


def _mark(obstacle: Obstacle) -> int:
    """Mark what is not marked yet; return the number of changes marked."""
    changes, (sql, parameters) = obstacle.changes, obstacle.query
    if changes.action == CREATED:
        unpack_changes(changes, Query(f"SELECT record_id FROM ({sql}) AS obstacle WHERE place IS NULL", parameters))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {change_table()} AS change SET outcome = '{KEPT}', kept_fields ="
            " ARRAY(SELECT DISTINCT unnest(coalesce(change.kept_fields, '{}') || found.fields) ORDER BY 1)"
            f" FROM (SELECT place, fields FROM ({obstacle.query.sql}) AS obstacle OFFSET 0) AS found"
            " WHERE change.organization_id = %s AND change.ctid = found.place"
            " AND (change.outcome IS NULL OR NOT change.kept_fields::text[] @> found.fields)",
            [*obstacle.query.parameters, obstacle.changes.organization_id],
        )
        return int(cursor.rowcount)
