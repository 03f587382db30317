"""Configuration of the people app."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """The app of people and their tokens."""

    name = "people"

    def ready(self) -> None:
        """Register the counter of features."""
        from people import features  # noqa: F401 - registers itself
