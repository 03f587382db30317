"""The admin of imports: to look at, and to revert. Nothing else about an import or its journal can be done there."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from importsvc.imports import previews
from importsvc.imports.actors import Actor
from importsvc.imports.admin_downloads import DownloadAdmin
from importsvc.imports.admin_list import ImportListAdmin
from importsvc.imports.admin_revert import RevertAdmin
from importsvc.imports.descriptions import describe_counts, describe_rows
from importsvc.imports.models import Import, ImportState


@admin.register(Import)
class ImportAdmin(ImportListAdmin, RevertAdmin, DownloadAdmin):
    """Imports of all organizations. The staged data is never loaded as a whole, and by lists not at all."""

    fields = [
        "state",
        "organization",
        "creator",
        "import_model_id",
        "sample",
        "on_duplicate",
        "rows",
        ("created_at", "started_at"),
        ("processed_at", "processor"),
        ("reverted_at", "reverter"),
    ]
    readonly_fields = ["state", "created_at", "rows", "processor", "reverter"]

    @admin.display(description="counts")
    def rows(self, import_: Import) -> str:
        """What its rows became; of imports that older versions ran nobody knows."""
        return str(self.get_empty_value_display()) if import_.counts is None else describe_rows(import_.counts)

    @admin.display(description="processed by")
    def processor(self, import_: Import) -> str:
        """Who ran it, if that is known."""
        return self._describe_actor(import_.processed_by)

    @admin.display(description="reverted by")
    def reverter(self, import_: Import) -> str:
        """Who reverted it, if anybody did."""
        return self._describe_actor(import_.reverted_by)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never: rows come through the API."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Import | None = None) -> bool:
        """Never: what happened, happened."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Import | None = None) -> bool:
        """Never: the journal is the only way back."""
        return False

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        """An import's page: its fields, and below them a page of its journal and the beginning of its rows."""
        counts = previews.count_changes([obj.pk]).get(obj.pk, {})
        page, entries = previews.read_journal(obj, request.GET.get("journal_page"), count=sum(counts.values()))
        context |= {
            "made": describe_counts(counts),
            "staged": previews.read_staged_data(obj.pk),
            "journal": [(entry, self._find_record_url(request, entry.record)) for entry in entries],
            "journal_page": page,
            "journal_pages": page.paginator.get_elided_page_range(page.number),
            "is_reverted": obj.state == ImportState.REVERTED,
            "may_revert": obj.state == ImportState.PROCESSED and self.has_revert_permission(request),
        }
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _describe_actor(self, kept: dict[str, Any] | None) -> str:
        return str(Actor.from_json(kept) if kept else self.get_empty_value_display())

    def _find_record_url(self, request: HttpRequest, record: Model | None) -> str | None:
        """The record's page, if it has one that the user may see."""
        if record is None or not self.admin_site.is_registered(type(record)):
            return None
        if not self.admin_site.get_model_admin(type(record)).has_view_permission(request, record):
            return None
        return reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_change", args=[record.pk])
