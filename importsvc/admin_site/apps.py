"""The app configuration of the admin."""

from django.contrib.admin import apps


class AdminConfig(apps.AdminConfig):
    """Django's admin, with the project's site and its pages for staff accounts."""

    default_site = "importsvc.admin_site.site.AdminSite"

    def ready(self) -> None:
        """Load the ``admin`` modules of all apps, then replace the pages of ``django.contrib.auth``."""
        super().ready()
        from importsvc.admin_site import staff  # noqa: F401 - registers itself
