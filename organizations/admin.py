"""The admin of organizations."""

from __future__ import annotations

from django.http import HttpRequest

from importsvc.admin_site.records import RecordAdmin
from organizations.models import Organization


class OrganizationAdmin(RecordAdmin):
    """Organizations are edited here. ``people.admin`` registers this: making one takes its first person."""

    list_display = ["name", "id", "time_zone", "default_currency", "created_at"]
    search_fields = ["name", "id__exact"]
    fields = ["name", "time_zone", "default_currency", "features", "created_at"]
    readonly_fields = ["created_at"]

    def has_delete_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        """Never: there are always records under it, and asking would list every one of them on a page."""
        return False
