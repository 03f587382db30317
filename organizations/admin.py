"""The admin of organizations."""

from __future__ import annotations

from django.http import HttpRequest

from importsvc.admin_site.records import RecordAdmin
from organizations.models import Organization


class OrganizationAdmin(RecordAdmin):
    """Edits organizations. ``people.admin`` registers a subclass, which creates them with their first person."""

    list_display = ["name", "id", "time_zone", "default_currency", "created_at"]
    search_fields = ["name", "id__exact"]
    fields = ["name", "time_zone", "default_currency", "features", "created_at"]
    readonly_fields = ["created_at"]

    def has_delete_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        """Never: an organization always has records, and Django's confirmation would list all of them."""
        return False
