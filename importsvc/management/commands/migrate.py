"""``manage.py migrate``: Django's command, by one process at a time."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from importsvc.management.migrating import hold_migration_lock, require_known_migrations


class Command(migrate.Command):
    """Several processes may migrate a database at once: one does, the others wait and find nothing left to do."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, or refuse a database that another version of the service has made."""
        connection = connections[options["database"]]

        def tell() -> None:
            if options["verbosity"]:
                self.stdout.write("Another process is migrating this database; waiting for it.")
                self.stdout.flush()

        with hold_migration_lock(connection, on_wait=tell):
            if not options["prune"]:  # which is about migrations that this version does not have
                require_known_migrations(connection)
            super().handle(*args, **options)
