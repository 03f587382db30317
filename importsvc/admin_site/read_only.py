"""Pages of records that only services write."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from importsvc.admin_site.lists import ListAdmin


class ReadOnlyAdmin(ListAdmin):
    """Staff look at the records, and neither add, change nor delete them, whatever their permissions are."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False
