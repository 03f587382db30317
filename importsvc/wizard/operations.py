"""``/import/<organization>/operations/<operation>/``: how far work is that was left to a worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from importsvc.errors import Conflict
from importsvc.imports.formatting import describe_stored_errors
from importsvc.operations.errors import AlreadyFinished
from importsvc.operations.models import RUNNING, Kind, Operation, Status
from importsvc.operations.selectors import OperationStatus, read_status
from importsvc.operations.services import cancel_operation
from importsvc.operations.waiting import lacks_worker
from importsvc.wizard.access import Access, with_access
from importsvc.wizard.refusals import describe

_PHASES = {"reading": "Reading the rows", "checking": "Checking the rows", "writing": "Writing the records"}
_KINDS = {
    Kind.CREATE.value: "Reading and checking the file",
    Kind.UPDATE.value: "Reading and checking the rows",
    Kind.CHECK.value: "Checking all rows again",
    Kind.IMPORT.value: "Importing",
    Kind.REVERT.value: "Reverting the import",
    Kind.PREVIEW.value: "Finding out what would happen",
}


@dataclass(frozen=True)
class Progress:
    """What is shown of an operation.

    Attributes:
        percent: of the rows of the phase; ``None`` if it is not known.
        is_finished: whether nothing more is to be waited for.
        lacks_worker: whether it waits although no worker is there.
        sentences: why it failed.
    """

    operation: Operation
    title: str
    phase: str
    done: int
    total: int
    percent: int | None
    is_finished: bool
    lacks_worker: bool
    sentences: list[str]


def describe_progress(found: OperationStatus) -> Progress:
    """What is shown of an operation."""
    operation, progress = found.operation, found.progress
    total = progress["total"]
    is_waiting = found.status == Status.QUEUED
    return Progress(
        operation=operation,
        title=_KINDS[operation.kind],
        phase=_PHASES.get(progress["phase"] or "", "Waiting for a worker" if is_waiting else "In work"),
        done=progress["done"],
        total=total,
        percent=min(100 * progress["done"] // total, 100) if total and found.status == RUNNING else None,
        is_finished=found.status not in (Status.QUEUED, RUNNING),
        lacks_worker=lacks_worker(found),
        sentences=describe_stored_errors(operation.errors),
    )


@with_access
@require_safe
def show_operation(request: HttpRequest, access: Access, operation_id: int) -> HttpResponse:
    """The progress, which the page asks for again every second; after the end, the page that the work leads to."""
    found = read_status(organization=access.organization, operation_id=operation_id)
    operation = found.operation
    is_of_file = operation.kind == Kind.CREATE
    if operation.import_record_id is not None and (found.status == Status.SUCCEEDED or not is_of_file):
        name = "wizard:check" if operation.kind in (Kind.CREATE, Kind.CHECK) else "wizard:import"
        return lead(request, reverse(name, args=[access.organization.pk, operation.import_record_id]))
    progress = describe_progress(found)
    context: dict[str, Any] = {"access": access, "progress": progress, "step": "check"}
    file_id = operation.arguments.get("arguments", {}).get("import_file_id") if is_of_file else None
    if file_id is not None:
        context["back_url"] = reverse("wizard:columns", args=[access.organization.pk, file_id])
    template = "wizard/progress.html" if "HX-Request" in request.headers else "wizard/operation.html"
    return render(request, template, context)


def lead(request: HttpRequest, url: str) -> HttpResponse:
    """Lead to another page; a request in the background would load it into the progress."""
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": url})
    return redirect(url)


def respond_to_poll(request: HttpRequest, access: Access, preview: OperationStatus) -> HttpResponse:
    """How far a preview is, for a page that asks in the background; that page is loaded again when it is done."""
    if preview.status == Status.SUCCEEDED:
        return lead(request, request.get_full_path())
    context = {"access": access, "progress": describe_progress(preview)}
    return render(request, "wizard/progress.html", context)


@with_access
@require_POST
def cancel(request: HttpRequest, access: Access, operation_id: int) -> HttpResponse:
    """Cancel an operation, and show where that leaves its import or file."""
    try:
        cancel_operation(organization=access.organization, operation_id=operation_id)
        messages.success(request, "Cancelled. Nothing was changed.")
    except AlreadyFinished:
        messages.warning(request, "It had finished before it could be cancelled.")
    except Conflict as error:
        for sentence in describe(error):
            messages.warning(request, sentence)
    return redirect("wizard:operation", access.organization.pk, operation_id)
