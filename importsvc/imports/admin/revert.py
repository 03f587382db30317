"""Reverting imports in the admin: a page shows what a revert would do, and the revert does that or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from unfold.admin import ModelAdmin

from importsvc.errors import DomainError, PreconditionFailed, Unavailable
from importsvc.http import slots
from importsvc.imports.actors import Actor, read_actor
from importsvc.imports.admin.revert_choices import (
    ChoiceProgress,
    ConflictForm,
    describe_progress,
    read_choices,
    request_choices,
)
from importsvc.imports.formatting import describe_conflicts, describe_refusal, describe_revert, describe_revert_preview
from importsvc.imports.models import Import
from importsvc.imports.services import preview_revert, revert_import
from importsvc.operations.models import Status

# A confirmation previews all changes of each import.
REVERTED_AT_ONCE = 50


@dataclass(frozen=True)
class Preview:
    """What a confirmation shows of an import, in words; ``refusal`` is empty if a conflict policy can revert it."""

    import_: Import
    refusal: str = ""
    would: str = ""
    conflicts: Sequence[str] = field(default_factory=list)
    etag: str = ""

    @property
    def etag_name(self) -> str:
        """The name of the form field that has the ETag."""
        return _name_etag(self.import_)


class RevertAdmin(ModelAdmin):
    """The page that reverts one import, and the action of the list, which shows a confirmation."""

    actions = ["revert_selected"]

    def has_revert_permission(self, request: HttpRequest) -> bool:
        """Whether the user may revert imports."""
        return self.has_view_permission(request) and request.user.has_perm("imports.revert_import")

    def get_urls(self) -> list[URLPattern]:
        """The URLs of the admin and of the page."""
        view = self.admin_site.admin_view(self.revert_view)
        progress = self.admin_site.admin_view(self.choices_view)
        return [
            path("<int:import_id>/revert/", view, name="imports_import_revert"),
            path("<int:import_id>/choices/", progress, name="imports_import_choices"),
            *super().get_urls(),
        ]

    @admin.action(permissions=["revert"], description="Revert selected imports")
    def revert_selected(self, request: HttpRequest, queryset: QuerySet[Import]) -> HttpResponse | None:
        """The action: show a confirmation, or revert the confirmed imports."""
        # The last processed first: each import may depend on imports that were processed before it.
        newest_first = queryset.order_by(F("processed_at").desc(nulls_last=True), "-id")
        imports = list(newest_first[: REVERTED_AT_ONCE + 1])
        if len(imports) > REVERTED_AT_ONCE:
            self.message_user(request, f"Revert at most {REVERTED_AT_ONCE} imports at once.", messages.ERROR)
            return None
        is_confirmed = "confirmed" in request.POST
        if len(imports) == 1 and not is_confirmed:
            return redirect("admin:imports_import_revert", imports[0].pk)
        return self._serve_in_slot(
            request,
            imports,
            lambda: self._revert(request, imports) if is_confirmed else self._confirm(request, imports, ConflictForm()),
        )

    def revert_view(self, request: HttpRequest, import_id: int) -> HttpResponse:
        """The page of one import: ``GET`` shows what a revert would do, ``POST`` reverts."""
        if not self.has_revert_permission(request):
            raise PermissionDenied
        import_ = self.get_object(request, str(import_id))
        if import_ is None:
            raise Http404
        response = self._serve_in_slot(request, [import_], lambda: self._serve_one(request, import_))
        return response or redirect("admin:imports_import_change", import_id)

    def choices_view(self, request: HttpRequest, import_id: int) -> HttpResponse:
        """How far the choices of a large import are, for the pages that show them and ask in the background."""
        import_ = self.get_object(request, str(import_id))
        if not self.has_view_permission(request, import_):
            raise PermissionDenied
        if import_ is None:
            raise Http404
        number = request.GET.get("conflicts_page")
        try:
            found = request_choices(import_, number)
        except DomainError:
            return HttpResponse(headers={"HX-Refresh": "true"})
        if found.status == Status.SUCCEEDED:
            return HttpResponse(headers={"HX-Refresh": "true"})
        context = {"progress": describe_progress(import_, found, number)}
        return TemplateResponse(request, "admin/imports/import/choices_progress.html", context)

    def _serve_in_slot(
        self, request: HttpRequest, imports: Sequence[Import], serve: Callable[[], HttpResponse | None]
    ) -> HttpResponse | None:
        """Preview or revert the imports if the process has a slot for that; otherwise a message on their list."""
        size = sum(import_.staged_size for import_ in imports)  # type: ignore[attr-defined]
        try:
            with slots.SLOTS.take("staff", is_long=size > slots.SHORT_BYTES):
                return serve()
        except Unavailable as error:
            self.message_user(request, f"{error.detail}. Try again later.", messages.ERROR)
            return redirect("admin:imports_import_changelist")

    def _serve_one(self, request: HttpRequest, import_: Import) -> HttpResponse | None:
        """Revert the import if its preview is current, otherwise show its page."""
        form = ConflictForm(request.POST if request.method == "POST" else None)
        is_sent = form.is_valid()
        if is_sent and self._revert_one(request, import_, form.cleaned_data):
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": f"Revert import {import_.pk}",
            "opts": self.opts,
            "original": import_,
            "processed_by": read_actor(import_.processed_by),
            "etag_name": _name_etag(import_),
            "errors": form.errors.get("on_conflict", ()),
        }
        try:
            chosen = form.data.get("on_conflict", "")
            found = read_choices(request, import_, chosen=chosen, is_outdated=is_sent)
            if is_sent and isinstance(found, ChoiceProgress):
                # The page is loaded again when the choices are there, which must not send the form again.
                url = reverse("admin:imports_import_revert", args=[import_.pk])
                return redirect(f"{url}?{urlencode({'on_conflict': chosen})}")
            context["progress" if isinstance(found, ChoiceProgress) else "choice_page"] = found
        except Unavailable:
            raise
        except DomainError as error:
            context["refusal"] = describe_refusal(error)
        return TemplateResponse(request, "admin/imports/import/revert.html", context)

    def _confirm(self, request: HttpRequest, imports: Sequence[Import], form: ConflictForm) -> HttpResponse:
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
        """Revert the imports whose previews are current, and confirm the remaining ones again."""
        form = ConflictForm(request.POST)
        if not form.is_valid():
            return self._confirm(request, imports, form)
        outdated = [import_ for import_ in imports if not self._revert_one(request, import_, form.cleaned_data)]
        return self._confirm(request, outdated, form) if outdated else None

    def _revert_one(self, request: HttpRequest, import_: Import, choices: dict[str, Any]) -> bool:
        """Revert an import, with a message about the result. Returns ``False`` if its preview is outdated."""
        try:
            revert = revert_import(
                organization=import_.organization,
                import_id=import_.pk,
                if_match=[request.POST.get(_name_etag(import_), "")],
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
    conflicts = describe_conflicts(preview.find_conflicts())
    return Preview(import_, would=describe_revert_preview(preview.counts), conflicts=conflicts, etag=preview.etag)


def _name_etag(import_: Import) -> str:
    return f"etag_{import_.pk}"
