"""The project's own app: the commands that belong to no resource."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """Makes ``importsvc/management/commands`` known to ``manage.py``."""

    name = "importsvc"
    label = "importsvc"
    verbose_name = "importsvc"
