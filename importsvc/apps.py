"""The project's own app: the commands and checks that belong to no resource; and the admin's."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin


class ProjectConfig(AppConfig):
    """Makes ``importsvc/management/commands`` known to ``manage.py``."""

    name = "importsvc"
    label = "importsvc"
    verbose_name = "importsvc"

    def ready(self) -> None:
        """Load the system checks."""
        from importsvc.jsonapi import checks  # noqa: F401 - registers itself
        from importsvc.postgres import checks as database_checks  # noqa: F401 - likewise


class AdminConfig(admin.AdminConfig):
    """Django's admin, with our site."""

    default_site = "importsvc.admin_site.site.AdminSite"
