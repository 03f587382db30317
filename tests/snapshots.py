"""Everything that is in the database, to be compared with what is there later."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection

Snapshot = dict[str, list[dict[str, Any]]]


def take_snapshot(*, without: tuple[str, ...] = ()) -> Snapshot:
    """Every row of every table, as JSON, in the order of their text; sequences are no rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
        )
        tables = [name for (name,) in cursor if name not in ("django_migrations", *without)]
        snapshot: Snapshot = {}
        for table in tables:
            cursor.execute(f'SELECT to_jsonb(t)::text FROM "{table}" AS t ORDER BY 1')
            snapshot[table] = [json.loads(row) for (row,) in cursor]
    return snapshot
