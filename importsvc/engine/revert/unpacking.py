"""Unpacks changes in chunks: an outcome is written to a change that is a row by itself."""

from __future__ import annotations

from django.db import connection

from importsvc.changelog.models import BLOCK_SIZE, CREATED, GONE
from importsvc.engine.revert.changes import Changes, Query, change_table, chunk_table


def unpack_changes(changes: Changes, records: Query) -> None:
    """Make each change of some chunks a row by itself, to which an outcome can be written.

    ``records`` selects ``record_id``, of changes that are in the chunks.
    """
    key = [changes.organization_id, changes.import_id]
    chunks = changes.select_chunks()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT blocks[width_bucket(record_id, first_ids)] FROM"
            " (SELECT array_agg(block ORDER BY first_id) AS blocks, array_agg(first_id ORDER BY first_id) AS first_ids"
            f"  FROM ({chunks.sql}) AS chunk) AS chunks CROSS JOIN ({records.sql}) AS records"
            " WHERE first_ids IS NOT NULL",
            [*chunks.parameters, *records.parameters],
        )
        blocks = [block for (block,) in cursor]
        if blocks:
            # As in the view of all changes; Citus does this in one task only without the view.
            cursor.execute(
                f"INSERT INTO {change_table()}"
                " (id, organization_id, import_id, record_type, record_id, row, action, after)"
                f" SELECT chunk.block * {BLOCK_SIZE} + change.position - 1, chunk.organization_id, chunk.import_id,"
                f"  chunk.record_type, change.record_id, change.row, '{CREATED}', change.after::jsonb"
                f" FROM {chunk_table()} AS chunk CROSS JOIN LATERAL"
                "  ROWS FROM (unnest(record_ids), unnest(rows), json_array_elements(after))"
                "  WITH ORDINALITY AS change(record_id, row, after, position)"
                " WHERE chunk.organization_id = %s AND chunk.import_id = %s AND chunk.block = ANY(%s)",
                [*key, blocks],
            )
            cursor.execute(
                f"DELETE FROM {chunk_table()} AS chunk WHERE organization_id = %s AND import_id = %s"
                " AND block = ANY(%s)",
                [*key, blocks],
            )


def mark_gone(changes: Changes) -> None:
    """Write the outcome ``gone`` for records that no longer exist."""
    logged = changes.select()
    gone = Query(
        f"SELECT place, record_id FROM (SELECT * FROM ({logged.sql}) AS change OFFSET 0) AS change WHERE NOT EXISTS ("
        f" SELECT FROM {changes.table} AS record"
        f"  WHERE {changes.of_organization('record')} AND record.id = change.record_id OFFSET 0)",
        logged.parameters,
    )
    unpack_changes(changes, Query(f"SELECT record_id FROM ({gone.sql}) AS gone WHERE place IS NULL", gone.parameters))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {change_table()} AS change SET outcome = '{GONE}' WHERE change.organization_id = %s"
            f" AND change.ctid = ANY(ARRAY(SELECT place FROM ({gone.sql}) AS gone))",
            [changes.organization_id, *gone.parameters],
        )
