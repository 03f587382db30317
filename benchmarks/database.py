"""The benchmarks' own way into the database that the service works on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from typing import Any

import psycopg2
from django.apps import apps
from django.db import connection

from companies.models import Company
from importsvc.imports.models import StagedChunk
from people.models import Person

# What PostgreSQL calls our own connections.
APPLICATION_NAME = "benchmarks"

_FROM_BACKENDS = (
    "FROM pg_stat_activity WHERE backend_type = 'client backend'"
    f" AND datname = current_database() AND application_name <> '{APPLICATION_NAME}'"
)

# Tables that imports write records into; a table comes before the tables that refer to it.
RECORD_TABLES = (Company._meta.db_table, Person._meta.db_table)


@contextmanager
def connect() -> Iterator[Any]:
    """A new psycopg2 connection: PostgreSQL remembers no plan in it."""
    with closing(psycopg2.connect(**connection.get_connection_params())) as made:
        yield made


def execute(statement: str) -> list[Any]:
    """Run a statement outside of any transaction and return its rows, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def find_backends() -> list[int]:
    """The process ids of PostgreSQL's backends that serve the service."""
    return [process_id for (process_id,) in execute(f"SELECT pid {_FROM_BACKENDS}")]


@contextmanager
def cancel_after(seconds: float) -> Iterator[None]:
    """Cancel what the service has PostgreSQL do if the block takes longer; the service then answers with a 500."""

    def cancel() -> None:
        with connect() as made, made.cursor() as cursor:
            cursor.execute(f"SELECT pg_cancel_backend(pid) {_FROM_BACKENDS}")

    timer = threading.Timer(seconds, cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@cache
def last_kept_id(table: str) -> int:
    """The largest id that a table of records had when this was first asked: ask while only the demo is there."""
    return int(execute(f"SELECT coalesce(max(id), 0) FROM {table}")[0][0])


def clear_imports() -> None:
    """Remove every import and all that it wrote, and leave the tables as a vacuum leaves them."""
    models = [
        model
        for app in ("files", "imports", "changelog", "operations")
        for model in apps.get_app_config(app).get_models()
        if model._meta.managed
    ]
    imports = [model._meta.db_table for model in models]
    execute(f"TRUNCATE {', '.join(imports)}")
    clear_records(RECORD_TABLES)
    execute(f"VACUUM ANALYZE {', '.join(imports)}")


def clear_records(tables: tuple[str, ...]) -> None:
    """Remove what is not of the demo from these tables, companies first, and leave them as a vacuum leaves them.

    The tables of the product and the tables that COPY fills are cleared in one and the same way, so that both are
    measured on indexes that once were larger.
    """
    # By plans for what is in the tables now.
    execute(f"ANALYZE {', '.join(tables)}")
    execute("DISCARD PLANS")
    for table, kept in reversed(list(zip(tables, RECORD_TABLES, strict=True))):
        execute(f"DELETE FROM {table} WHERE id > {last_kept_id(kept)}")
    execute(f"VACUUM ANALYZE {', '.join(tables)}")


def count_staged_rows() -> int:
    """How many rows are staged, of all imports."""
    return int(execute(f"SELECT coalesce(sum(row_count), 0) FROM {StagedChunk._meta.db_table}")[0][0])


def count_records() -> int:
    """How many records there are besides the demo's."""
    statements = (f"SELECT count(*) FROM {table} WHERE id > {last_kept_id(table)}" for table in RECORD_TABLES)
    return sum(execute(statement)[0][0] for statement in statements)


@contextmanager
def suspend_autovacuum(table: str) -> Iterator[None]:
    """Keep autovacuum from the table until the block ends."""
    execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
    try:
        yield
    finally:
        execute(f"ALTER TABLE {table} RESET (autovacuum_enabled)")


def settle() -> None:
    """Write out what PostgreSQL still has to write, so that the next measurement does not pay for the last one."""
    execute("CHECKPOINT")
