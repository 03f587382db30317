"""The project's own app: the commands and checks that belong to no resource."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """Makes ``importsvc/management/commands`` known to ``manage.py``."""

    name = "importsvc"
    label = "importsvc"
    verbose_name = "importsvc"

    def ready(self) -> None:
        """Load the system checks."""
        from importsvc.jsonapi import checks  # noqa: F401 - registers itself
        from importsvc.postgres import checks as database_checks  # noqa: F401 - likewise
