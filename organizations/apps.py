"""Configuration of the organizations app."""

from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    """The app of organizations."""

    name = "organizations"
