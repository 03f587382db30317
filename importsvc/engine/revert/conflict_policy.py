"""The conflict policies ``keep`` and ``discard``: they mark in the change log what a revert keeps.

The revert then neither removes nor restores changes that have the outcome ``kept``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db import connection

from importsvc.changelog.models import CREATED, KEPT, UPDATED
from importsvc.engine.revert.changes import Changes, Query, TypeChanges, change_table, join_by_nested_loops
from importsvc.engine.revert.conflicts import Obstacle, find_edits, find_losses, find_references
from importsvc.postgres.catalog import literal, quote
from importsvc.postgres.foreign_keys import ForeignKey, find_foreign_keys


def mark_kept(all_changes: Sequence[TypeChanges], *, discarding: bool) -> None:
    """Write the outcome ``kept`` for records, and for updated records the columns that are kept.

    Kept are: values that were changed since the import, unless edits are discarded; values that cannot be restored;
    created records that will still be referred to after the revert; and created records that kept records refer to.
    """
    join_by_nested_loops()
    for each in all_changes:
        for obstacle in _find_kept(each, discarding=discarding):
            _mark(obstacle)
    # After the columns of updated records are marked: a kept reference keeps the record that it refers to.
    for each in all_changes:
        for obstacle in find_references(each, all_changes, discarding=discarding):
            _mark(obstacle)
    _mark_referred(all_changes)


def count_kept(changes: Changes) -> int:
    """The number of these changes that have the outcome ``kept``."""
    kept = changes.select()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({kept.sql} AND change.outcome = '{KEPT}') AS kept", kept.parameters)
        return int(cursor.fetchone()[0])


def _find_kept(changes: TypeChanges, *, discarding: bool) -> Iterator[Obstacle]:
    if discarding:
        # A created record is removed even if the table no longer has columns that the change log has.
        yield from (obstacle for obstacle in find_losses(changes) if obstacle.changes.action == UPDATED)
    else:
        yield from find_edits(changes)
        yield from find_losses(changes)


def _mark(obstacle: Obstacle) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {change_table()} AS change SET outcome = '{KEPT}', kept_fields ="
            " ARRAY(SELECT DISTINCT unnest(coalesce(change.kept_fields, '{}') || found.fields) ORDER BY 1)"
            f" FROM (SELECT place, fields FROM ({obstacle.query.sql}) AS obstacle OFFSET 0) AS found"
            " WHERE change.organization_id = %s AND change.ctid = found.place",
            [*obstacle.query.parameters, obstacle.changes.organization_id],
        )


def _mark_referred(all_changes: Sequence[TypeChanges]) -> None:
    """Keep the created records that kept records refer to, recursively."""
    created = [each.by_action[CREATED] for each in all_changes if CREATED in each.by_action]
    by_model = {changes.importable.model: changes for changes in created}
    steps = [
        _select_referred(by_model[key.model], key, changes)
        for changes in created
        for key in find_foreign_keys(changes.importable.model)
        if key.model in by_model
    ]
    if not steps:
        return
    of_import = [created[0].organization_id, created[0].import_id]
    referred = " UNION ALL ".join(f"({step.sql})" for step in steps)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE reached (record_type, record_id) AS ("
            f"  SELECT record_type, record_id FROM {change_table()}"
            f"  WHERE organization_id = %s AND import_id = %s AND action = '{CREATED}' AND outcome = '{KEPT}'"
            " UNION"
            f"  SELECT referred.* FROM reached CROSS JOIN LATERAL ({referred} OFFSET 0) AS referred"
            f") UPDATE {change_table()} AS change SET outcome = '{KEPT}', kept_fields = '{{}}'"
            " WHERE change.organization_id = %s AND change.ctid = ANY(ARRAY("
            "  SELECT found.place FROM reached CROSS JOIN LATERAL ("
            f"   SELECT ctid FROM {change_table()} AS found WHERE found.organization_id = %s AND found.import_id = %s"
            "    AND found.record_type = reached.record_type AND found.record_id = reached.record_id"
            "    AND found.outcome IS NULL OFFSET 0"
            "  ) AS found(place)"
            " ))",
            [
                *of_import,
                *(parameter for step in steps for parameter in step.parameters),
                created[0].organization_id,
                *of_import,
            ],
        )


def _select_referred(referrers: Changes, key: ForeignKey, changes: Changes) -> Query:
    """The type and id of the created records that the record ``reached`` refers to by this key."""
    assert key.model  # noqa: S101 - the key's table is that of an importable
    joined = " AND ".join(f"record.{quote(referred)} = other.{quote(column)}" for column, referred in key.columns)
    return Query(
        f"SELECT own.record_type, own.record_id FROM {referrers.table} AS other CROSS JOIN LATERAL"
        f" (SELECT id FROM {changes.table} AS record WHERE record.organization_id = %s AND {joined} OFFSET 0) AS record"
        f" CROSS JOIN LATERAL (SELECT record_type, record_id FROM {change_table()} AS own"
        "  WHERE own.organization_id = %s AND own.import_id = %s"
        f"  AND own.record_type = %s AND own.record_id = record.id AND own.action = '{CREATED}' OFFSET 0) AS own"
        f" WHERE reached.record_type = {literal(referrers.importable.name)}"
        f" AND other.organization_id = %s AND other.{quote(str(key.model._meta.pk.column))} = reached.record_id",
        [
            changes.organization_id,
            changes.organization_id,
            changes.import_id,
            changes.importable.name,
            changes.organization_id,
        ],
    )
