"""Configuration of the organizations app."""

from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    """Registers the app under its own name."""

    name = "organizations"
