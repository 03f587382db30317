"""Configuration of the people app."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Registers the app, and its part of ``organization_features``."""

    name = "people"

    def ready(self) -> None:
        """Load what registers itself."""
        from people import features  # noqa: F401
