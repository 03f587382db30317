"""Configuration of the companies app."""

from django.apps import AppConfig


class CompaniesConfig(AppConfig):
    """Registers the app under its own name."""

    name = "companies"
