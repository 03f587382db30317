"""Reverting imports in the admin: a page shows what a revert would do, and the revert does that or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin

from importsvc.errors import DomainError, PreconditionFailed, Unavailable
from importsvc.http import slots
from importsvc.imports.actors import Actor, read_actor
from importsvc.imports.admin.queued_reverts import (
    are_large,
    describe_queued,
    find_failed,
    find_queued,
    queue_revert,
    sum_sizes,
)
from importsvc.imports.admin.revert_choices import ConflictForm, describe_progress, read_choices, request_choices
from importsvc.imports.admin.several_reverts import name_etag, preview_several
from importsvc.imports.admin.work_progress import WorkProgress
from importsvc.imports.formatting import (
    describe_conflicts,
    describe_refusal,
    describe_revert,
    describe_stored_revert,
)
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import revert_import, takes_long
from importsvc.operations.models import Operation, Status
from importsvc.operations.selectors import OperationStatus
from importsvc.operations.waiting import lacks_worker

# A confirmation previews all changes of each import.
REVERTED_AT_ONCE = 50


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
        if queued := find_queued(import_):
            return self._show_work(request, import_, queued)
        if "HX-Request" in request.headers:
            return self._end_work(request, import_)
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
        return TemplateResponse(request, "admin/imports/import/work_progress.html", context)

    def _show_work(self, request: HttpRequest, import_: Import, queued: OperationStatus) -> HttpResponse:
        """How far a worker is with the revert, as a page or for the page that asks in the background."""
        may_view = self.admin_site.get_model_admin(Operation).has_view_permission(request)
        progress = describe_queued(import_, queued, may_view_operation=may_view)
        if "HX-Request" in request.headers:
            return TemplateResponse(request, "admin/imports/import/work_progress.html", {"progress": progress})
        context = {**self._describe_page(request, import_), "progress": progress}
        return TemplateResponse(request, "admin/imports/import/revert.html", context)

    def _end_work(self, request: HttpRequest, import_: Import) -> HttpResponse:
        """Lead the page that has shown the progress to the import; if it is not reverted, that page is loaded again."""
        if import_.state != ImportState.REVERTED:
            return HttpResponse(headers={"HX-Refresh": "true"})
        if import_.revert_counts:
            self.message_user(request, f"{import_}: {describe_stored_revert(import_.revert_counts)}", messages.SUCCESS)
        return HttpResponse(headers={"HX-Redirect": reverse("admin:imports_import_change", args=[import_.pk])})

    def _serve_in_slot(
        self, request: HttpRequest, imports: Sequence[Import], serve: Callable[[], HttpResponse | None]
    ) -> HttpResponse | None:
        """Preview or revert the imports if the process has a slot for that; otherwise a message on their list."""
        # Of imports for which a preview takes long, a worker does everything.
        is_long = are_large(imports) and not takes_long(sum_sizes(imports))
        try:
            with slots.SLOTS.take("staff", is_long=is_long):
                return serve()
        except Unavailable as error:
            if "HX-Request" in request.headers:
                # The page asks again.
                return HttpResponse(status=HTTPStatus.NO_CONTENT)
            self.message_user(request, f"{error.detail}. Try again later.", messages.ERROR)
            return redirect("admin:imports_import_changelist")

    def _serve_one(self, request: HttpRequest, import_: Import) -> HttpResponse | None:
        """Revert the import if its preview is current, or leave that to a worker; otherwise show its page."""
        form = ConflictForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            if are_large([import_]):
                is_queued = self._queue_one(request, import_, form.cleaned_data)
                return redirect("admin:imports_import_revert", import_.pk) if is_queued else None
            if self._revert_one(request, import_, form.cleaned_data):
                return None
        failed = find_failed(import_)
        context = {
            **self._describe_page(request, import_),
            "etag_name": name_etag(import_),
            "errors": form.errors.get("on_conflict", ()),
            "failed": failed,
        }
        try:
            chosen = form.data.get("on_conflict", failed.on_conflict if failed else "")
            found = read_choices(request, import_, chosen=chosen)
            context["progress" if isinstance(found, WorkProgress) else "choice_page"] = found
        except Unavailable:
            raise
        except DomainError as error:
            context["refusal"] = describe_refusal(error)
        return TemplateResponse(request, "admin/imports/import/revert.html", context)

    def _describe_page(self, request: HttpRequest, import_: Import) -> dict[str, Any]:
        """What the page of one import says in any case."""
        return {
            **self.admin_site.each_context(request),
            "title": f"Revert import {import_.pk}",
            "opts": self.opts,
            "original": import_,
            "processed_by": read_actor(import_.processed_by),
        }

    def _confirm(self, request: HttpRequest, imports: Sequence[Import], form: ConflictForm) -> HttpResponse:
        previews = preview_several(imports)
        waiting = [preview.waits_for for preview in previews if preview.waits_for]
        context = {
            **self.admin_site.each_context(request),
            "title": "Revert imports",
            "opts": self.opts,
            "imports": imports,
            "waiting": waiting,
            "lacks_worker": bool(waiting) and lacks_worker(waiting[0]),
            "possible": [preview for preview in previews if not preview.refusal],
            "refused": [preview for preview in previews if preview.refusal],
            "has_conflicts": any(preview.conflicts for preview in previews),
            "form": form,
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/imports/import/revert_confirmation.html", context)

    def _revert(self, request: HttpRequest, imports: Sequence[Import]) -> HttpResponse | None:
        """Revert the imports whose previews are current, and confirm the remaining ones again.

        If they are large, a worker reverts all of them, one after the other.
        """
        form = ConflictForm(request.POST)
        if not form.is_valid():
            return self._confirm(request, imports, form)
        if are_large(imports):
            for import_ in imports:
                if self._queue_one(request, import_, form.cleaned_data):
                    url = reverse("admin:imports_import_revert", args=[import_.pk])
                    text = format_html('{}: a worker reverts it. <a href="{}">How far it is</a>', import_, url)
                    self.message_user(request, text, messages.SUCCESS)
            return None
        outdated = [import_ for import_ in imports if not self._revert_one(request, import_, form.cleaned_data)]
        return self._confirm(request, outdated, form) if outdated else None

    def _revert_one(self, request: HttpRequest, import_: Import, choices: dict[str, Any]) -> bool:
        """Revert an import, with a message about the result. Returns ``False`` if its preview is outdated."""
        try:
            revert = revert_import(
                organization=import_.organization,
                import_id=import_.pk,
                if_match=[request.POST.get(name_etag(import_), "")],
                actor=_get_actor(request),
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

    def _queue_one(self, request: HttpRequest, import_: Import, choices: dict[str, Any]) -> bool:
        """Leave the revert of an import to a worker. Returns ``False``, with a message, if that is refused."""
        etag = request.POST.get(name_etag(import_), "")
        try:
            operation = queue_revert(import_, etag=etag, actor=_get_actor(request), **choices)
        except DomainError as error:
            self.message_user(request, f"{import_}: refused: {describe_refusal(error)}", messages.ERROR)
            return False
        self.log_change(request, import_, f"Left the revert to a worker, as operation {operation.pk}")
        return True


def _get_actor(request: HttpRequest) -> Actor:
    return Actor("staff", request.user.get_username(), request.user.pk)
