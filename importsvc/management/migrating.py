"""The conditions of a migration: no other process migrates the database, and this version made its tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management.base import CommandError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader

# The key of the advisory lock. Advisory locks belong to one database; nothing else in it uses this key.
LOCK_KEY = 7_236_103_541

_RETRY_SECONDS = 0.2


@contextmanager
def hold_migration_lock(connection: BaseDatabaseWrapper, *, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock for migrations of the database during the block.

    If another process holds it, call ``on_wait`` once and wait. PostgreSQL releases the lock of a process that dies.
    """
    with connection.cursor() as cursor:
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
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK_KEY])


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
