"""What a revert leaves as it is although the import wrote it, noted in the journal before anything is undone.

The undoing then goes by the journal: what is noted there as kept is neither removed nor restored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db import connection

from importsvc.engine.revert.changes import Entries, Journaled, Query, journal_table
from importsvc.engine.revert.conflicts import Obstacle, find_edits, find_losses, find_references
from importsvc.journal import CREATED, KEPT, UPDATED
from importsvc.postgres.catalog import literal, quote
from importsvc.postgres.foreign_keys import ForeignKey, find_foreign_keys


def mark_kept(journaled: Sequence[Journaled], *, discarding: bool) -> None:
    """Note which records and columns are kept.

    Kept is what somebody changed since, unless edits are discarded; what cannot be restored; created records that
    something refers to and will go on to; and then created records that kept ones refer to.
    """
    for each in journaled:
        for obstacle in _find_kept(each, discarding=discarding):
            _mark(obstacle)
    # Only now is it known which columns of updated records go on to refer to something.
    for each in journaled:
        for obstacle in find_references(each, journaled, discarding=discarding):
            _mark(obstacle)
    _mark_referred(journaled)


def count_kept(entries: Entries) -> int:
    """How many of the records are noted as kept."""
    kept = entries.select()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({kept.sql} AND entry.outcome = '{KEPT}') AS kept", kept.parameters)
        return int(cursor.fetchone()[0])


def _find_kept(journaled: Journaled, *, discarding: bool) -> Iterator[Obstacle]:
    if discarding:
        # A created record is removed whatever somebody wrote into it, and whatever the journal still knows of it.
        yield from (obstacle for obstacle in find_losses(journaled) if obstacle.action == UPDATED)
    else:
        yield from find_edits(journaled)
        yield from find_losses(journaled)


def _mark(obstacle: Obstacle) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {journal_table()} AS entry SET outcome = '{KEPT}', kept_fields ="
            " ARRAY(SELECT DISTINCT unnest(coalesce(entry.kept_fields, '{}') || found.fields) ORDER BY 1)"
            f" FROM (SELECT place, fields FROM ({obstacle.query.sql}) AS obstacle OFFSET 0) AS found"
            " WHERE entry.ctid = found.place",
            obstacle.query.parameters,
        )


def _mark_referred(journaled: Sequence[Journaled]) -> None:
    """Keep created records that kept ones refer to, and those that these refer to, and so on."""
    created = [each.entries[CREATED] for each in journaled if CREATED in each.entries]
    by_model = {entries.importable.model: entries for entries in created}
    steps = [
        _select_referred(by_model[key.model], key, entries)
        for entries in created
        for key in find_foreign_keys(entries.importable.model)
        if key.model in by_model
    ]
    if not steps:
        return
    import_id = created[0].import_id
    referred = " UNION ALL ".join(f"({step.sql})" for step in steps)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE reached (record_type, record_id) AS ("
            f"  SELECT record_type, record_id FROM {journal_table()}"
            f"  WHERE import_id = %s AND action = '{CREATED}' AND outcome = '{KEPT}'"
            " UNION"
            f"  SELECT referred.* FROM reached CROSS JOIN LATERAL ({referred} OFFSET 0) AS referred"
            f") UPDATE {journal_table()} AS entry SET outcome = '{KEPT}', kept_fields = '{{}}' FROM ("
            "  SELECT found.place FROM reached CROSS JOIN LATERAL ("
            f"   SELECT ctid FROM {journal_table()} AS found WHERE import_id = %s AND outcome IS NULL"
            "    AND found.record_type = reached.record_type AND found.record_id = reached.record_id OFFSET 0"
            "  ) AS found(place) OFFSET 0"
            ") AS found WHERE entry.ctid = found.place",
            [import_id, *(parameter for step in steps for parameter in step.parameters), import_id],
        )


def _select_referred(referrers: Entries, key: ForeignKey, entries: Entries) -> Query:
    """Type and id of the created records that the referrer ``reached`` refers to by this key."""
    assert key.model  # noqa: S101 - or it has no entries
    joined = " AND ".join(f"record.{quote(referred)} = other.{quote(column)}" for column, referred in key.columns)
    name = entries.importable.name
    return Query(
        f"SELECT own.record_type, own.record_id FROM {referrers.table} AS other"
        f" CROSS JOIN LATERAL (SELECT id FROM {entries.table} AS record WHERE {joined} OFFSET 0) AS record"
        f" CROSS JOIN LATERAL (SELECT record_type, record_id FROM {journal_table()} AS own WHERE own.import_id = %s"
        f"  AND own.record_type = %s AND own.record_id = record.id AND own.action = '{CREATED}' OFFSET 0) AS own"
        f" WHERE reached.record_type = {literal(referrers.importable.name)}"
        f" AND other.{quote(str(key.model._meta.pk.column))} = reached.record_id",
        [entries.import_id, name],
    )
