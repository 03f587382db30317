"""``/import/<organization>/imports/<import>/``: an import that runs, what it did, and its revert."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from importsvc.errors import DomainError
from importsvc.imports import selectors, services
from importsvc.imports.actors import read_actor
from importsvc.imports.failure_texts import describe_failure
from importsvc.imports.formatting import (
    POLICIES,
    describe_conflicts,
    describe_pruning,
    describe_revert_preview,
    describe_stored_errors,
    describe_stored_revert,
)
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import Previewed, RevertPreview, StoredRevert
from importsvc.operations.errors import is_outdated
from importsvc.operations.models import Kind, Status
from importsvc.operations.selectors import OperationStatus, find_latest
from importsvc.wizard.access import Access, with_access
from importsvc.wizard.imports import find_import
from importsvc.wizard.operations import describe_progress, respond_to_poll
from importsvc.wizard.outcomes import count_outcomes
from importsvc.wizard.refusals import OUTDATED, describe
from importsvc.wizard.work import is_large, keeping_refusal

# The choices of a revert that meets later edits; the first is selected.
CHOICES = {policy: POLICIES[policy] for policy in ("keep", "discard")}


@with_access
@require_safe
def show_import(request: HttpRequest, access: Access, import_id: int) -> HttpResponse:
    """The import as it is: in work, run, undone, or not run yet."""
    import_ = find_import(access, import_id)
    latest = find_latest(organization=access.organization, import_id=import_id)
    if latest is not None and latest.operation.status == Status.QUEUED:
        context = {"access": access, "import": import_, "step": "result", "progress": describe_progress(latest)}
        template = "wizard/progress.html" if "HX-Request" in request.headers else "wizard/running.html"
        return render(request, template, context)
    may_undo = access.may_revert and import_.state == ImportState.PROCESSED and not import_.pruned_at
    undo = _find_undo(request, access, import_) if may_undo and "undo" in request.GET else {}
    if isinstance(undo, HttpResponse):
        return undo
    if "HX-Request" in request.headers:
        is_checked = latest is not None and latest.operation.kind in (Kind.CHECK, Kind.CREATE)
        name = "wizard:check" if is_checked and import_.state == ImportState.CREATED else "wizard:import"
        return HttpResponse(headers={"HX-Redirect": reverse(name, args=[access.organization.pk, import_id])})
    failure = _describe_failure(latest)
    context = {
        "access": access,
        "import": import_,
        "step": "result",
        "state": import_.state.value,
        "failure": failure,
        "attention": None if failure == [OUTDATED] else describe_failure(import_, may_import=True),
        "outcomes": count_outcomes(import_.counts or {}),
        "undone": describe_stored_revert(import_.revert_counts) if import_.revert_counts else "",
        "processed_by": read_actor(import_.processed_by),
        "reverted_by": read_actor(import_.reverted_by),
        "pruned": describe_pruning(import_),
        "left_out": import_.error_count if import_.state != ImportState.CREATED and not import_.pruned_at else 0,
        "may_undo": may_undo,
        **undo,
    }
    return render(request, "wizard/result.html", context)


@with_access
@require_POST
def run(request: HttpRequest, access: Access, import_id: int) -> HttpResponse:
    """Import what the preview shows, or show the preview again if something has changed since."""
    find_import(access, import_id)
    chosen: dict[str, Any] = {
        "organization": access.organization,
        "import_id": import_id,
        "if_match": [request.POST.get("etag", "")],
        "actor": access.actor,
    }
    size = selectors.read_staged_size(organization_id=access.organization.pk, import_id=import_id)
    try:
        with keeping_refusal(access, import_id, Kind.IMPORT):
            if is_large(size):
                services.queue_operation(creator=access.creator, kind=Kind.IMPORT, **chosen)
            else:
                services.run_import(**chosen)
    except DomainError as error:
        return _refuse(request, access, import_id, error, "wizard:preview")
    return redirect("wizard:import", access.organization.pk, import_id)


@with_access
@require_POST
def undo(request: HttpRequest, access: Access, import_id: int) -> HttpResponse:
    """Revert what the preview of the revert shows, or show it again if something has changed since."""
    if not access.may_revert:
        raise PermissionDenied
    find_import(access, import_id)
    on_conflict = request.POST.get("on_conflict", "refuse")
    chosen: dict[str, Any] = {
        "organization": access.organization,
        "import_id": import_id,
        "if_match": [request.POST.get("etag", "")],
        "actor": access.actor,
    }
    arguments: dict[str, Any] = {"on_conflict": on_conflict if on_conflict in CHOICES else "refuse"}
    size = selectors.read_staged_size(organization_id=access.organization.pk, import_id=import_id)
    try:
        if is_large(size):
            services.queue_operation(creator=access.creator, kind=Kind.REVERT, arguments=arguments, **chosen)
        else:
            services.revert_import(**chosen, **arguments)
    except DomainError as error:
        return _refuse(request, access, import_id, error, "wizard:import", query="?undo=1#undo")
    return redirect("wizard:import", access.organization.pk, import_id)


def _refuse(
    request: HttpRequest, access: Access, import_id: int, error: DomainError, page: str, *, query: str = ""
) -> HttpResponse:
    """Lead back to a page that says why nothing was done. A page of another state leads on from there."""
    if error.retry_after:
        raise error
    for sentence in describe(error):
        messages.error(request, sentence)
    return redirect(reverse(page, args=[access.organization.pk, import_id]) + query)


def _find_undo(request: HttpRequest, access: Access, import_: Import) -> dict[str, Any] | HttpResponse:
    """What an undo would do now; of a large import a worker finds it out, and the page shows how far it is."""
    size = selectors.read_staged_size(organization_id=access.organization.pk, import_id=import_.pk)
    if not services.takes_long(size):
        try:
            return _describe_undo(services.preview_revert(organization=access.organization, import_id=import_.pk))
        except DomainError as error:
            return {"undo_refusal": describe(error)}
    found = services.request_preview(
        organization=access.organization,
        creator=access.creator,
        import_id=import_.pk,
        previewed=Previewed.REVERT,
    )
    if "HX-Request" in request.headers:
        return respond_to_poll(request, access, found)
    if found.status != Status.SUCCEEDED:
        return {"progress": describe_progress(found)}
    return _describe_undo(services.read_revert(found.operation))


def _describe_undo(preview: RevertPreview | StoredRevert) -> dict[str, Any]:
    conflicts = preview.find_conflicts()
    return {
        "undo": describe_revert_preview(preview.counts, on_conflict="keep"),
        "etag": preview.etag,
        "conflicts": describe_conflicts(conflicts),
        "conflict_choices": list(CHOICES.items()) if conflicts else [],
    }


def _describe_failure(latest: OperationStatus | None) -> list[str]:
    """Why the last work on the import ended without a result."""
    if latest is None or latest.operation.status != Status.FAILED:
        return []
    if is_outdated(latest.operation.errors):
        return [OUTDATED]
    return describe_stored_errors(latest.operation.errors)
