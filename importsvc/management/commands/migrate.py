"""``manage.py migrate``: Django's command under a lock, which also grants permissions to the staff groups."""

from functools import partial
from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from importsvc.imports.staff_groups import grant_new_view_permissions, read_view_permissions
from importsvc.management.interrupts import watch_statements
from importsvc.management.migrating import hold_migration_lock, require_known_migrations, retry_migrations


class Command(migrate.Command):
    """Migrates. A second process that migrates the same database waits, and then has nothing to do.

    Django creates the permissions of a new type while it migrates; the command grants them to the staff groups.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate and grant permissions, or refuse a database that was made by another version of the service."""
        database = options["database"]
        connection = connections[database]
        watch_statements(connection)

        def report_wait() -> None:
            if options["verbosity"]:
                self.stdout.write("Another process is migrating this database; waiting for it.")
                self.stdout.flush()

        def report_retry() -> None:
            if options["verbosity"]:
                self.stdout.write("\nOther transactions use the table; trying again.")
                self.stdout.flush()

        with hold_migration_lock(connection, on_wait=report_wait):
            if not options["prune"]:  # --prune is for migrations that this version does not have
                require_known_migrations(connection)
            known = read_view_permissions(using=database)
            migrate = partial(super().handle, *args, **options)
            retry_migrations(migrate, connection, on_retry=report_retry)
            grant_new_view_permissions(known=known, using=database)
