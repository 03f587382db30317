"""Operations are queued and cancelled here; ``importsvc.operations.work`` does them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from importsvc.errors import Busy, DomainError, RecordNotFound
from importsvc.operations.errors import AlreadyFinished, store_error
from importsvc.operations.events import record_end
from importsvc.operations.models import Kind, Operation, Progress, Status
from importsvc.operations.performers import get_performer
from organizations.models import Organization
from people.models import Person

# The channel of NOTIFY on which workers learn of a queued operation.
CHANNEL = "importsvc_operations"

CANCEL_SECONDS = 10
_LOOK_EVERY = 0.05


def enqueue(
    *,
    organization: Organization,
    creator: Person,
    kind: Kind,
    import_id: int | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> Operation:
    """Queue an operation. The caller owns the transaction, and adds the rows of the work to it.

    ``import_id`` is the import, which belongs to the organization; ``None`` if the work creates it.
    """
    operation = Operation.objects.create(
        organization=organization,
        creator=creator,
        kind=kind,
        import_record_id=import_id,
        arguments=dict(arguments or {}),
    )
    Progress.objects.create(organization=organization, operation=operation)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
    return operation


def find_operation(*, organization: Organization, operation_id: int) -> Operation:
    """An operation of the organization.

    Raises:
        RecordNotFound: there is none.
    """
    operation = Operation.objects.for_organization(organization).filter(pk=operation_id).first()
    if operation is None:
        raise RecordNotFound
    return operation


def cancel_operation(*, organization: Organization, operation_id: int) -> Operation:
    """Cancel an operation that is queued or running, and return it; not in a transaction.

    The work of a running operation is rolled back: PostgreSQL ends the statement that runs, and the worker ends the
    work before the next one.

    Raises:
        RecordNotFound: there is no such operation.
        AlreadyFinished: it finished before.
        Busy: the worker did not end the work within ``CANCEL_SECONDS``; it still will.
    """
    deadline = time.monotonic() + CANCEL_SECONDS
    find_operation(organization=organization, operation_id=operation_id)
    while True:
        operation = _cancel_waiting(organization, operation_id)
        if operation is None:
            _interrupt(organization, operation_id)
            time.sleep(_LOOK_EVERY)
            operation = find_operation(organization=organization, operation_id=operation_id)
        if operation.status == Status.CANCELLED:
            return operation
        if operation.status != Status.QUEUED:
            raise AlreadyFinished(operation.status)
        if time.monotonic() > deadline:
            raise Busy("The operation is still being cancelled")


def finish(operation: Operation, status: Status, *, errors: tuple[DomainError, ...] = ()) -> None:
    """Finish an operation whose row is locked, with the id of its import; delete its rows, and record its event."""
    operation.status = status
    operation.errors = [store_error(error) for error in errors]
    # The clock may be set back between two readings.
    operation.finished_at = max(timezone.now(), operation.queued_at)
    Operation.objects.filter(organization_id=operation.organization_id, pk=operation.pk).update(
        status=operation.status,
        errors=operation.errors,
        finished_at=operation.finished_at,
        import_record_id=operation.import_record_id,
    )
    get_performer().discard(operation)
    record_end(operation)


def _cancel_waiting(organization: Organization, operation_id: int) -> Operation | None:
    """Cancel the operation unless a worker holds its lock, and return it; it may have finished before."""
    operations = Operation.objects.for_organization(organization).filter(pk=operation_id)
    with transaction.atomic(durable=True):
        operation = operations.select_for_update(no_key=True, skip_locked=True).first()
        if operation is not None and operation.status == Status.QUEUED:
            finish(operation, Status.CANCELLED)
    return operation


def _interrupt(organization: Organization, operation_id: int) -> None:
    """Ask the worker to end the work, and PostgreSQL to end the statement that runs."""
    progress = Progress.objects.filter(organization=organization, operation_id=operation_id)
    progress.filter(cancel_requested_at=None).update(cancel_requested_at=timezone.now())
    with connection.cursor() as cursor:
        # Only a statement: between two statements the worker reads the request.
        cursor.execute(
            "SELECT pg_cancel_backend(backend_pid) FROM operations_progress"
            " WHERE organization_id = %s AND operation_id = %s AND backend_pid IS NOT NULL",
            [organization.pk, operation_id],
        )
