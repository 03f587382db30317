"""Configuration of the change log."""

from django.apps import AppConfig


class ChangelogConfig(AppConfig):
    """Registers the app under a label of its own."""

    name = "importsvc.changelog"
    label = "changelog"
