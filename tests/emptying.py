"""How the tables are emptied after a test that commits, quicker than by Django's ``flush``.

That gives every table new files, and makes the permissions anew. After most tests a few rows are there to be deleted.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg2
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.test import TransactionTestCase

# Django makes the rows of these after each flush.
KEPT = ("django_content_type", "auth_permission")

# Of larger tables, rows are not deleted one by one. Deleted rows take space until then, too.
MOST_BYTES = 1_000_000

PATIENCE_SECONDS = 60

_kept_rows: list[Any] = []


def empty_tables(_: TransactionTestCase) -> None:
    """Delete all rows but those that Django makes after a flush; in place of ``_fixture_teardown``."""
    names = [name for name in connection.introspection.django_table_names(only_existing=True) if name not in KEPT]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with transaction.atomic():
                _lock(names)
                _empty(names)
            return
        except OperationalError as error:
            if not isinstance(error.__cause__, psycopg2.errors.LockNotAvailable) or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def flush_tables(_: TransactionTestCase) -> None:
    """Django's ``flush``, as often as a deadlock ends it: in a cluster, in place of ``_fixture_teardown``.

    Nodes lock their tables one after the other. Transactions that a test has started may have locks on one node and
    wait for those of the flush on another.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            _flush()
            return
        except CommandError as error:
            if not _is_deadlock(error.__cause__) or time.monotonic() > deadline:
                raise


def _lock(names: list[str]) -> None:
    # Transactions of servers and processes that the test has started may not have ended. They take locks in an order of
    # their own, so that waiting for one while holding another could be a deadlock.
    tables = ", ".join(map(connection.ops.quote_name, names))
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE NOWAIT")


def _empty(names: list[str]) -> None:
    sizes = _read_sizes(names)
    # Before the first time, there are rows that migrations have made.
    if _kept_rows and _read_kept_rows() == _kept_rows and sum(sizes.values()) < MOST_BYTES:
        _delete_rows([name for name, size in sizes.items() if size])
        return
    _flush()
    _kept_rows[:] = _read_kept_rows()


def _flush() -> None:
    call_command("flush", verbosity=0, interactive=False, reset_sequences=False)


def _is_deadlock(error: BaseException | None) -> bool:
    return error is not None and isinstance(error.__cause__, psycopg2.errors.DeadlockDetected)


def _read_sizes(names: list[str]) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_relation_size(oid) FROM pg_class"
            " WHERE relname = ANY(%s) AND relkind = 'r' AND relnamespace = 'public'::regnamespace",
            [names],
        )
        return dict(cursor.fetchall())


def _read_kept_rows() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT count(*), sum(id), max(id) FROM {name}" for name in KEPT))
        return cursor.fetchall()


def _delete_rows(names: list[str]) -> None:
    # One statement: PostgreSQL checks foreign keys when all rows are deleted.
    if not names:
        return
    deletes = ", ".join(f'"{name}_" AS (DELETE FROM "{name}")' for name in names)
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {deletes} SELECT 1")
