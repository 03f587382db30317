"""``manage.py migrate``: Django's command, which also lets the groups of staff view the records of new types."""

from typing import Any

from django.core.management.commands import migrate

from importsvc.imports.staff_groups import grant_new_view_permissions, read_view_permissions


class Command(migrate.Command):
    """Django makes the permissions of a new type while it migrates; here they are given to the groups of staff."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, then give permissions."""
        database = options["database"]
        known = read_view_permissions(using=database)
        super().handle(*args, **options)
        grant_new_view_permissions(known=known, using=database)
