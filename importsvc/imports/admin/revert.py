"""Reverting imports in the admin: what that would undo is shown first, and then that is undone or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin

from importsvc.errors import DomainError, PreconditionFailed
from importsvc.imports.actors import Actor
from importsvc.imports.formatting import (
    describe_conflicts,
    describe_refusal,
    describe_revert,
    describe_revert_preview,
)
from importsvc.imports.models import Import
from importsvc.imports.services import preview_revert, revert_import

# A confirmation looks at all that every one of them did.
REVERTED_AT_ONCE = 50

ON_CONFLICT = {
    "refuse": "Refuse: an import with conflicts stays as it is, all of it.",
    "keep": "Keep: what was changed or is referred to since stays, of updates column by column; the rest is undone.",
    "discard": "Discard: what was changed since is undone as well, and the changes are lost. Only what something else "
    "refers to, and what cannot be brought back, stays.",
}


class ConflictForm(forms.Form):
    """What to do about conflicts."""

    on_conflict = forms.ChoiceField(choices=list(ON_CONFLICT.items()), initial="refuse", widget=forms.RadioSelect)


@dataclass(frozen=True)
class Preview:
    """What a confirmation shows of an import.

    Attributes:
        import_: which import.
        refusal: why it cannot be reverted whatever is done about conflicts, in words; empty if it can.
        would: what reverting would do, in words.
        conflicts: the first records that stand in the way, in words.
        tag: of the preview.
    """

    import_: Import
    refusal: str = ""
    would: str = ""
    conflicts: Sequence[str] = field(default_factory=list)
    tag: str = ""

    @property
    def tag_name(self) -> str:
        """Under which the tag is sent."""
        return _name_tag(self.import_)


class RevertAdmin(ModelAdmin):
    """The button on an import's page and the action of the list; both lead to a confirmation."""

    actions = ["revert_selected"]

    def has_revert_permission(self, request: HttpRequest) -> bool:
        """Whether the user may revert imports."""
        return self.has_view_permission(request) and request.user.has_perm("imports.revert_import")

    def get_urls(self) -> list[URLPattern]:
        """The admin's, and the button's."""
        view = self.admin_site.admin_view(self.revert_view)
        return [path("<int:import_id>/revert/", view, name="imports_import_revert"), *super().get_urls()]

    @admin.action(permissions=["revert"], description="Revert selected imports")
    def revert_selected(self, request: HttpRequest, queryset: QuerySet[Import]) -> HttpResponse | None:
        """Say what reverting would undo and, on confirmation, revert."""
        # Last processed first: it may have built upon what others before it did.
        newest_first = queryset.order_by(F("processed_at").desc(nulls_last=True), "-id")
        imports = list(newest_first[: REVERTED_AT_ONCE + 1])
        if len(imports) > REVERTED_AT_ONCE:
            self.message_user(request, f"Revert at most {REVERTED_AT_ONCE} imports at once.", messages.ERROR)
            return None
        if "confirmed" not in request.POST:
            return self._ask(request, imports, ConflictForm())
        return self._revert(request, imports)

    def revert_view(self, request: HttpRequest, import_id: int) -> HttpResponse:
        """The button: ``GET`` says what reverting would undo, ``POST`` reverts."""
        if not self.has_revert_permission(request):
            raise PermissionDenied
        import_ = self.get_object(request, str(import_id))
        if import_ is None:
            raise Http404
        if request.method != "POST":
            return self._ask(request, [import_], ConflictForm())
        return self._revert(request, [import_]) or redirect("admin:imports_import_change", import_id)

    def _ask(self, request: HttpRequest, imports: Sequence[Import], form: ConflictForm) -> HttpResponse:
        previews = [_preview(import_) for import_ in imports]
        context = {
            **self.admin_site.each_context(request),
            "title": "Revert imports",
            "opts": self.opts,
            "possible": [preview for preview in previews if not preview.refusal],
            "refused": [preview for preview in previews if preview.refusal],
            "has_conflicts": any(preview.conflicts for preview in previews),
            "form": form,
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/imports/import/revert_confirmation.html", context)

    def _revert(self, request: HttpRequest, imports: Sequence[Import]) -> HttpResponse | None:
        """Revert those that are as the user saw them; ask anew about the others, if there are any."""
        form = ConflictForm(request.POST)
        if not form.is_valid():
            return self._ask(request, imports, form)
        moved = [import_ for import_ in imports if not self._revert_as_seen(request, import_, form.cleaned_data)]
        return self._ask(request, moved, form) if moved else None

    def _revert_as_seen(self, request: HttpRequest, import_: Import, choices: dict[str, Any]) -> bool:
        """Revert one and say so, or why not; whether it was settled, for what the user saw was still so."""
        try:
            revert = revert_import(
                organization=import_.organization,
                import_id=import_.pk,
                if_match=[request.POST.get(_name_tag(import_), "")],
                actor=Actor("staff", request.user.get_username(), request.user.pk),
                **choices,
            )
        except PreconditionFailed:
            text = "not reverted: something has changed since it was shown to you. This is how it is now."
            self.message_user(request, f"{import_}: {text}", messages.WARNING)
            return False
        except DomainError as error:
            refusal = "; ".join([describe_refusal(error), *describe_conflicts(error)])
            self.message_user(request, f"{import_}: refused: {refusal}", messages.ERROR)
            return True
        self.log_change(request, import_, f"Reverted: {describe_revert(revert)}")
        self.message_user(request, f"{import_}: {describe_revert(revert)}", messages.SUCCESS)
        return True


def _preview(import_: Import) -> Preview:
    try:
        preview = preview_revert(organization=import_.organization, import_id=import_.pk)
    except DomainError as error:
        return Preview(import_, refusal=describe_refusal(error))
    conflicts = preview.find_conflicts()
    return Preview(
        import_,
        would=describe_revert_preview(preview),
        conflicts=describe_conflicts(conflicts) if conflicts else [],
        tag=preview.tag,
    )


def _name_tag(import_: Import) -> str:
    return f"tag_{import_.pk}"
