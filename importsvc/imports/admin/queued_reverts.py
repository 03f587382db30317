"""Reverts that a worker does because they take long: queued, how far they are, and why one has failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.urls import reverse

from importsvc.errors import Conflict
from importsvc.http import slots
from importsvc.imports.actors import Actor
from importsvc.imports.admin.work_progress import WorkProgress, describe_work
from importsvc.imports.formatting import describe_stored_errors
from importsvc.imports.models import Import
from importsvc.imports.services import OnConflict, Previewed, queue_operation, request_preview, require_revertible
from importsvc.operations.errors import is_outdated
from importsvc.operations.models import Kind, Operation, Status
from importsvc.operations.selectors import OperationStatus, find_latest

OUTDATED = "Something has changed since it was shown to you. This is how it is now."


class FailedRevert(NamedTuple):
    """Why a worker has not reverted an import, in sentences, and the conflict policy that was chosen."""

    sentences: Sequence[str]
    on_conflict: str


def are_large(imports: Iterable[Import]) -> bool:
    """Whether a revert of these imports takes longer than a page should. They have ``staged_size``."""
    return sum_sizes(imports) > slots.SHORT_BYTES


def sum_sizes(imports: Iterable[Import]) -> int:
    """The number of bytes of the staged rows of imports that have ``staged_size``."""
    return sum(import_.staged_size for import_ in imports)  # type: ignore[attr-defined]


def queue_revert(import_: Import, *, on_conflict: OnConflict, etag: str, actor: Actor) -> Operation:
    """Leave the revert of an import to a worker. The arguments are those of ``revert_import``.

    Raises:
        WrongState, ImportPruned: the import cannot be reverted.
        Conflict: that is left to a worker already.
        Unavailable: another transaction has held a lock for too long.
    """
    require_revertible(import_)
    if find_queued(import_) is not None:
        raise Conflict("It is being reverted already")
    return queue_operation(
        organization=import_.organization,
        creator=import_.creator,
        kind=Kind.REVERT,
        import_id=import_.pk,
        if_match=[etag],
        arguments={"on_conflict": on_conflict},
        actor=actor,
    )


def request_revert_preview(import_: Import, previewed: Previewed, **options: Any) -> OperationStatus:
    """The operation that finds out what a revert of an import would do. The arguments are those of ``request_preview``.

    Raises:
        WrongState, ImportPruned: the import cannot be reverted.
    """
    require_revertible(import_)
    return request_preview(
        organization=import_.organization,
        creator=import_.creator,
        import_id=import_.pk,
        previewed=previewed,
        **options,
    )


def find_queued(import_: Import) -> OperationStatus | None:
    """The revert of an import that waits for a worker or is in work; ``None`` if there is none."""
    latest = _find_latest(import_)
    return latest if latest is not None and latest.operation.status == Status.QUEUED else None


def find_failed(import_: Import) -> FailedRevert | None:
    """The revert of an import that has failed, if nothing was done to the import since."""
    latest = _find_latest(import_)
    if latest is None or latest.operation.status != Status.FAILED:
        return None
    errors = latest.operation.errors
    sentences = [OUTDATED] if is_outdated(errors) else describe_stored_errors(errors)
    return FailedRevert(sentences, latest.operation.arguments["arguments"].get("on_conflict", ""))


def describe_queued(import_: Import, queued: OperationStatus, *, may_view_operation: bool) -> WorkProgress:
    """How far a worker is with a revert."""
    operation_url = reverse("admin:operations_operation_change", args=[queued.operation.pk])
    return describe_work(
        queued,
        title=f"Reverting import {import_.pk}",
        url=reverse("admin:imports_import_revert", args=[import_.pk]),
        then="You may leave this page: the work goes on. All of it is done together at the end, or nothing.",
        operation_url=operation_url if may_view_operation else "",
    )


def _find_latest(import_: Import) -> OperationStatus | None:
    latest = find_latest(organization=import_.organization, import_id=import_.pk)
    return latest if latest is not None and latest.operation.kind == Kind.REVERT else None
