"""Configuration of the imports app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ImportsConfig(AppConfig):
    """Loads the ``importable.py`` of every installed app, as Django's admin loads every ``admin.py``.

    The app comes after those of all types: it registers an admin for types whose app has registered none.
    """

    name = "importsvc.imports"
    label = "imports"

    def ready(self) -> None:
        """Load the declarations and the system checks, and register the admins."""
        autodiscover_modules("importable")
        from importsvc.admin_site import lists, record_history
        from importsvc.engine.schema import checks  # noqa: F401 - registers itself
        from importsvc.files import origins
        from importsvc.imports.admin.last_imports import read_last_imports
        from importsvc.imports.admin.record_history import read_events
        from importsvc.imports.admin.records import register_record_admins
        from importsvc.imports.services.error_file_origins import find_origin
        from importsvc.imports.services.queueing import PERFORMER
        from importsvc.operations.performers import register

        register_record_admins()
        register(PERFORMER)
        record_history.register(read_events)
        lists.register(read_last_imports)
        origins.register(find_origin)
