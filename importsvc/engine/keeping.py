"""What undoing an import leaves as it is, where conflicts do not keep it from undoing the rest.

It is held in a temporary table, ``undo_kept``: for each record that stays or of which something stays, the columns
that are left as others wrote them. Of a created record the whole stays, whatever the columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.db import connection

from importsvc.engine.conflicts import Kind, find_changes, find_references
from importsvc.engine.entries import Entries, quoted_journal
from importsvc.engine.references import KEPT
from importsvc.journal import CREATED, UPDATED


@contextmanager
def keep_conflicts(left: Mapping[Entries, int], *, edits: bool) -> Iterator[None]:
    """Within the block ``undo_kept`` holds what is to stay. The records are locked.

    Args:
        left: all entries of the import, those of types referred to first, and how many records there are of each.
        edits: whether what somebody edited stays as well, or only what cannot be undone.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE {KEPT} (record_type text, record_id bigint, fields text[],"
            " PRIMARY KEY (record_type, record_id))"
        )
    for entries in left:
        for kind in find_changes(entries):
            # A created record goes as a whole: without edits nothing about its columns matters.
            if edits or (entries.action == UPDATED and kind.reason != "changed"):
                _keep(entries, kind)
    created = [entries for entries in reversed(list(left)) if entries.action == CREATED]
    # What stays may refer to what would have gone, and so on.
    found = 1
    while found:
        found = 0
        for entries in created:
            for kind in find_references(entries, records=left[entries], kept=True):
                found += _keep(entries, kind)
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {KEPT}")


def count_kept(entries: Entries) -> int:
    """How many records of these entries stay, or have something that stays."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM {KEPT} AS kept WHERE EXISTS (SELECT FROM {quoted_journal()} AS change"
            f" WHERE {entries.condition('change')} AND change.record_type = kept.record_type"
            "  AND change.record_id = kept.record_id)",
            entries.parameters,
        )
        return int(cursor.fetchone()[0])


def journal_kept(import_id: int) -> None:
    """Note in the journal what stays."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quoted_journal()} AS change SET outcome = 'kept', kept_fields = kept.fields FROM {KEPT} AS kept"
            " WHERE change.import_id = %s AND change.record_type = kept.record_type"
            " AND change.record_id = kept.record_id",
            [import_id],
        )


def _keep(entries: Entries, kind: Kind) -> int:
    """Keep what conflicts of this kind are about, together with what is kept already; how many were found."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {KEPT} SELECT %s, record_id, fields FROM ({kind.statement.sql}) AS conflict"
            " ON CONFLICT (record_type, record_id) DO UPDATE SET fields ="
            f"  ARRAY(SELECT DISTINCT unnest({KEPT}.fields || excluded.fields) ORDER BY 1)",
            [entries.importable.name, *kind.statement.parameters],
        )
        return int(cursor.rowcount)
