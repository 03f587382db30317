"""Snapshots of the database, to be compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from django.db import connection, transaction

# Rows are shared by snapshots: reading most of them again takes longer than the query.
Row = Mapping[str, Any]
Snapshot = dict[str, list[Row]]

_read_row = lru_cache(maxsize=10_000)(json.loads)


def take_snapshot(*, without: tuple[str, ...] = ()) -> Snapshot:
    """Every row of every table but Django's list of migrations, as JSON, in the order of its text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
        )
        snapshot: Snapshot = {name: [] for (name,) in cursor if name not in ("django_migrations", *without)}
        selects = [f"SELECT '{table}', to_jsonb(record)::text FROM \"{table}\" AS record" for table in snapshot]
        cursor.execute(f"{' UNION ALL '.join(selects)} ORDER BY 1, 2")
        for table, row in cursor:
            snapshot[table].append(_read_row(row))
    return snapshot


@contextmanager
def undone() -> Iterator[None]:
    """Roll back everything that is done in the block."""
    with transaction.atomic():
        connection.check_constraints()
        yield
        transaction.set_rollback(True)
