"""Configuration of the companies app."""

from django.apps import AppConfig


class CompaniesConfig(AppConfig):
    """The app of companies."""

    name = "companies"
