"""The admin of imports: to look at, and to revert. Nothing else about an import or its journal can be done there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from importsvc.errors import DomainError
from importsvc.imports import previews
from importsvc.imports.admin_list import ImportListAdmin
from importsvc.imports.descriptions import describe_conflicts, describe_counts, describe_refusal
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import revert_import

# A confirmation tries every one of them in the database first.
REVERTED_AT_ONCE = 50


@dataclass(frozen=True)
class Attempt:
    """What a revert, or the trial of one, came to.

    Attributes:
        import_: which import.
        removed: what was or would be removed, in words; empty if it was refused.
        refusal: why it was refused, in words; empty if it was not.
        conflicts: the records that stand in the way, in words.
    """

    import_: Import
    removed: str = ""
    refusal: str = ""
    conflicts: list[str] = field(default_factory=list)


@admin.register(Import)
class ImportAdmin(ImportListAdmin):
    """Imports of all organizations. The staged data is never loaded as a whole, and by lists not at all."""

    actions = ["revert_selected"]
    fields = [
        "state",
        "organization",
        "creator",
        "import_model_id",
        "sample",
        ("created_at", "started_at"),
        ("processed_at", "reverted_at"),
    ]
    readonly_fields = ["state", "created_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never: rows come through the API."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Import | None = None) -> bool:
        """Never: what happened, happened."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Import | None = None) -> bool:
        """Never: the journal is the only way back."""
        return False

    def has_revert_permission(self, request: HttpRequest) -> bool:
        """Whether the user may revert imports."""
        return self.has_view_permission(request) and request.user.has_perm("imports.revert_import")

    def get_urls(self) -> list[URLPattern]:
        """The admin's, and the button's."""
        view = self.admin_site.admin_view(self.revert_view)
        return [path("<int:import_id>/revert/", view, name="imports_import_revert"), *super().get_urls()]

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
        page, entries = previews.read_journal(obj.pk, request.GET.get("journal_page"), count=sum(counts.values()))
        context |= {
            "made": describe_counts(counts),
            "staged": previews.read_staged_data(obj.pk),
            "journal": [(entry, self._find_record_url(request, entry.record)) for entry in entries],
            "journal_page": page,
            "journal_pages": page.paginator.get_elided_page_range(page.number),
            "may_revert": obj.state == ImportState.PROCESSED and self.has_revert_permission(request),
        }
        return super().render_change_form(request, context, add, change, form_url, obj)

    @admin.action(permissions=["revert"], description="Revert selected imports")
    def revert_selected(self, request: HttpRequest, queryset: QuerySet[Import]) -> HttpResponse | None:
        """Say what reverting would remove and, on confirmation, revert."""
        # Newest first: a later import may refer to what an earlier one made.
        imports = list(queryset.order_by("-id")[: REVERTED_AT_ONCE + 1])
        if len(imports) > REVERTED_AT_ONCE:
            self.message_user(request, f"Revert at most {REVERTED_AT_ONCE} imports at once.", messages.ERROR)
            return None
        if "confirmed" not in request.POST:
            return self._confirm(request, imports)
        self._revert(request, imports)
        return None

    def revert_view(self, request: HttpRequest, import_id: int) -> HttpResponse:
        """The button on an import's page: ``GET`` says what reverting would remove, ``POST`` reverts."""
        if not self.has_revert_permission(request):
            raise PermissionDenied
        import_ = self.get_object(request, str(import_id))
        if import_ is None:
            raise Http404
        if request.method != "POST":
            return self._confirm(request, [import_])
        self._revert(request, [import_])
        return redirect("admin:imports_import_change", import_id)

    def _confirm(self, request: HttpRequest, imports: list[Import]) -> HttpResponse:
        attempts = [_attempt_revert(import_, dry_run=True) for import_ in imports]
        context = {
            **self.admin_site.each_context(request),
            "title": "Revert imports",
            "opts": self.opts,
            "media": self.media,
            "possible": [attempt for attempt in attempts if not attempt.refusal],
            "refused": [attempt for attempt in attempts if attempt.refusal],
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/imports/import/revert_confirmation.html", context)

    def _revert(self, request: HttpRequest, imports: list[Import]) -> None:
        for import_ in imports:
            attempt = _attempt_revert(import_)
            if attempt.refusal:
                refusal = "; ".join([attempt.refusal, *attempt.conflicts])
                self.message_user(request, f"{import_}: refused: {refusal}", messages.ERROR)
            else:
                self.log_change(request, import_, f"Reverted: removed {attempt.removed}")
                self.message_user(request, f"{import_}: removed {attempt.removed}", messages.SUCCESS)

    def _find_record_url(self, request: HttpRequest, record: Model | None) -> str | None:
        """The record's page, if it has one that the user may see."""
        if record is None or not self.admin_site.is_registered(type(record)):
            return None
        if not self.admin_site.get_model_admin(type(record)).has_view_permission(request, record):
            return None
        return reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_change", args=[record.pk])


def _attempt_revert(import_: Import, *, dry_run: bool = False) -> Attempt:
    try:
        revert = revert_import(organization=import_.organization, import_id=import_.pk, dry_run=dry_run)
    except DomainError as error:
        return Attempt(import_, refusal=describe_refusal(error), conflicts=describe_conflicts(error))
    return Attempt(import_, removed=describe_counts(revert.removed))
