"""Configuration of the change log."""

from django.apps import AppConfig


class ChangelogConfig(AppConfig):
    """The app of the change log."""

    name = "importsvc.changelog"
    label = "changelog"
