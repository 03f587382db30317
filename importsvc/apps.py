"""The app of the project itself, with the commands and system checks that belong to no other app."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """Adds ``importsvc/management/commands`` to ``manage.py``."""

    name = "importsvc"

    def ready(self) -> None:
        """Load the system checks and the lookups."""
        from importsvc.jsonapi import checks  # noqa: F401 - registers itself
        from importsvc.postgres import checks as database_checks  # noqa: F401 - likewise
        from importsvc.postgres import integer_lookups  # noqa: F401 - likewise
