"""Configuration of the imports app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ImportsConfig(AppConfig):
    """Finds every installed app's ``importable.py``, the way the admin finds every ``admin.py``.

    It comes last in ``INSTALLED_APPS``: types without an admin of their own get one here.
    """

    name = "importsvc.imports"
    label = "imports"

    def ready(self) -> None:
        """Load the declarations and the system checks, and make each type known to the admin."""
        autodiscover_modules("importable")
        from importsvc.engine.schema import checks  # noqa: F401 - registers itself
        from importsvc.imports.admin.records import register_record_admins

        register_record_admins()
