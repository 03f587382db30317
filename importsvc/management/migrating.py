"""The conditions of a migration: no other process migrates the database, and this version made its tables."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management.base import CommandError
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader

from importsvc.postgres.transaction_limits import is_lock_timeout
from importsvc.postgres.write_conflicts import is_write_conflict

# The key of the advisory lock. Advisory locks belong to one database; nothing else in it uses this key.
LOCK_KEY = 7_236_103_541

_RETRY_SECONDS = 0.2

# How long a migration waits for a lock. Requests queue behind it, and it holds locks that they wait for: in a deadlock
# it gives up first, because PostgreSQL looks for deadlocks only after a second.
_LOCK_TIMEOUT = "200ms"

# The longest pause between two attempts, and the time until the last one.
_LONGEST_PAUSE_SECONDS = 2.0
PATIENCE_SECONDS = 600


@contextmanager
def hold_migration_lock(connection: BaseDatabaseWrapper, *, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock for migrations of the database during the block, on a connection beside this one.

    If another process holds it, call ``on_wait`` once and wait. PostgreSQL releases the lock of a process that dies.
    """
    side = connection.copy()
    try:
        with side.cursor() as cursor:
            # Polls: a waiting statement would hold a snapshot, for whose end CREATE INDEX CONCURRENTLY waits.
            is_waiting = False
            while True:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY])
                if cursor.fetchone()[0]:
                    break
                if not is_waiting:
                    on_wait()
                    is_waiting = True
                time.sleep(_RETRY_SECONDS)
        yield
    finally:
        side.close()


def retry_migrations(
    migrate: Callable[[], object],
    connection: BaseDatabaseWrapper,
    *,
    on_retry: Callable[[], None],
    seconds: float = PATIENCE_SECONDS,
) -> None:
    """Call ``migrate``, in whose statements a lock is waited for only briefly, until none was missing.

    A migration that misses a lock is rolled back; those before it stay applied, and the next call goes on after them.

    Args:
        migrate: applies the migrations that are not applied, each in a transaction of its own.
        connection: that it uses.
        on_retry: called before each further attempt.
        seconds: after which there is no further attempt.

    Raises:
        CommandError: other transactions have held locks in all attempts.
    """
    deadline = time.monotonic() + seconds
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [_LOCK_TIMEOUT])
        try:
            migrate()
            break
        except OperationalError as error:
            if not (is_lock_timeout(error) or is_write_conflict(error)):
                raise
            if time.monotonic() > deadline:
                raise CommandError(
                    f"Other transactions have used the tables for {seconds:.0f} seconds. The migrations before this one"
                    " are applied, and of this one nothing is. Run migrate again when no import is running."
                ) from error
        on_retry()
        # Django leaves the transaction open if one of the statements fails that it defers to the end of a migration.
        connection.close()
        time.sleep(random.uniform(_LONGEST_PAUSE_SECONDS / 4, _LONGEST_PAUSE_SECONDS))  # noqa: S311 - no secret
        connection.connect()
    with connection.cursor() as cursor:
        cursor.execute("RESET lock_timeout")


def require_known_migrations(connection: BaseDatabaseWrapper) -> None:
    """Refuse a database whose tables were made by another version of the service.

    Raises:
        CommandError: a migration of one of the service's own apps was applied that this version does not have.
    """
    loader = MigrationLoader(connection)
    own = _find_own_apps()
    unknown = sorted(key for key in loader.applied_migrations.keys() - loader.disk_migrations.keys() if key[0] in own)
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise CommandError(
            f"The database {connection.settings_dict['NAME']!r} was made by another version of this service: this"
            f" version does not have the applied migration {'.'.join(unknown[0])}{more}. Nothing was changed. Set"
            f" DATABASE_URL to an empty database or, if it is not set, move the folder {settings.VAR_DIR / 'postgres'}"
            " away and start again."
        )


def _find_own_apps() -> set[str]:
    """The labels of the project's apps. Apps of packages may drop migrations that were applied."""
    folders = (settings.BASE_DIR, settings.BASE_DIR / "importsvc")
    return {config.label for config in apps.get_app_configs() if Path(config.path).parent in folders}
