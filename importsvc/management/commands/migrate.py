"""``manage.py migrate``: Django's command, by one process at a time, which also gives staff what they need to see."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from importsvc.imports.staff_groups import grant_new_view_permissions, read_view_permissions
from importsvc.management.migrating import hold_migration_lock, require_known_migrations


class Command(migrate.Command):
    """Several processes may migrate a database at once: one does, the others wait and find nothing left to do.

    Django makes the permissions of a new type while it migrates; here they are given to the groups of staff.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate and give permissions, or refuse a database that another version of the service has made."""
        database = options["database"]
        connection = connections[database]

        def tell() -> None:
            if options["verbosity"]:
                self.stdout.write("Another process is migrating this database; waiting for it.")
                self.stdout.flush()

        with hold_migration_lock(connection, on_wait=tell):
            if not options["prune"]:  # which is about migrations that this version does not have
                require_known_migrations(connection)
            known = read_view_permissions(using=database)
            super().handle(*args, **options)
            grant_new_view_permissions(known=known, using=database)
