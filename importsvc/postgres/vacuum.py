"""VACUUM of tables in which a transaction wrote many rows, once it has committed."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from django.db import Error, connection

# The number of rows from which VACUUM is worth its time.
VACUUMED_FROM = 10_000

# VACUUM may have to read the whole table, so a table with more than so many times these rows is left to autovacuum.
LARGEST_TABLE = 10

_logger = logging.getLogger(__name__)


def vacuum_tables(rows: Mapping[str, int]) -> None:
    """Run VACUUM on the tables in which a large part of the rows was just inserted, updated or deleted.

    Until a vacuum, a query that counts rows looks each of them up in the table to find out whether it is visible, and
    passes all deleted ones. Autovacuum would start within a minute. A table that is being analyzed or vacuumed is
    skipped, and an error is logged: the rows are committed.

    In a transaction, where PostgreSQL refuses VACUUM, this does nothing.

    Args:
        rows: by name of the table, not quoted, the number of rows that were written.
    """
    if connection.in_atomic_block:
        return
    try:
        if tables := _find_tables({table: count for table, count in rows.items() if count >= VACUUMED_FROM}):
            with connection.cursor() as cursor:
                # Without workers, whose shared memory a container may not have. TRUNCATE could wait for readers.
                cursor.execute(f"VACUUM (SKIP_LOCKED, TRUNCATE off, PARALLEL 0) {', '.join(tables)}")
    except Error as error:
        _logger.warning("VACUUM after a commit failed, and is left to autovacuum: %s", str(error).strip())
        connection.close_if_unusable_or_obsolete()  # the caller goes on with another one


def _find_tables(rows: Mapping[str, int]) -> list[str]:
    """The quoted names of the tables of which these rows are at least a part in ``LARGEST_TABLE``."""
    if not rows:
        return []
    quoted = {connection.ops.quote_name(table): count for table, count in rows.items()}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM unnest(%s::text[], %s::bigint[]) AS written(name, count)"
            " JOIN pg_class ON pg_class.oid = to_regclass(name) WHERE reltuples <= count * %s ORDER BY name",
            [list(quoted), list(quoted.values()), LARGEST_TABLE],
        )
        return [name for (name,) in cursor]
