"""``/import/<organization>/operations/<operation>/``: how far work is that was left to a worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from importsvc.errors import Conflict
from importsvc.imports.formatting import describe_stored_errors
from importsvc.operations.errors import AlreadyFinished
from importsvc.operations.models import RUNNING, Kind, Operation, Status
from importsvc.operations.selectors import OperationStatus, read_status
from importsvc.operations.services import cancel_operation
from importsvc.operations.wake_up import count_listeners
from importsvc.operations.worker import count_workers
from importsvc.wizard.access import Access, with_access
from importsvc.wizard.refusals import describe

# After so many seconds in the queue it is said whether there is a worker at all.
PATIENCE_SECONDS = 3

_PHASES = {"reading": "Reading the rows", "checking": "Checking the rows", "writing": "Writing the records"}
_KINDS = {
    Kind.CREATE.value: "Reading and checking the file",
    Kind.UPDATE.value: "Reading and checking the rows",
    Kind.CHECK.value: "Checking all rows again",
    Kind.IMPORT.value: "Importing",
    Kind.REVERT.value: "Reverting the import",
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
    waited = (timezone.now() - operation.queued_at).total_seconds()
    is_waiting = found.status == Status.QUEUED
    return Progress(
        operation=operation,
        title=_KINDS[operation.kind],
        phase=_PHASES.get(progress["phase"] or "", "Waiting for a worker" if is_waiting else "Starting"),
        done=progress["done"],
        total=total,
        percent=min(100 * progress["done"] // total, 100) if total and found.status == RUNNING else None,
        is_finished=found.status not in (Status.QUEUED, RUNNING),
        lacks_worker=is_waiting and waited > PATIENCE_SECONDS and not _has_worker(),
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
        return _go(request, reverse(name, args=[access.organization.pk, operation.import_record_id]))
    progress = describe_progress(found)
    context: dict[str, Any] = {"access": access, "progress": progress, "step": "check"}
    file_id = operation.arguments.get("arguments", {}).get("import_file_id") if is_of_file else None
    if file_id is not None:
        context["back_url"] = reverse("wizard:columns", args=[access.organization.pk, file_id])
    template = "wizard/progress.html" if "HX-Request" in request.headers else "wizard/operation.html"
    return render(request, template, context)


def _go(request: HttpRequest, url: str) -> HttpResponse:
    """Lead to another page; a request in the background would load it into the progress."""
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": url})
    return redirect(url)


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


def _has_worker() -> bool:
    return count_workers() > 0 or bool(settings.CELERY_BROKER_URL and count_listeners() > 0)
