"""Operations are queued and cancelled here; ``importsvc.operations.work`` does them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from importsvc.errors import Busy, DomainError, RecordNotFound
from importsvc.operations.errors import AlreadyFinished, store_error
from importsvc.operations.events import record_end
from importsvc.operations.models import Kind, Operation, Progress, Status
from importsvc.operations.performers import get_performer
from importsvc.operations.wake_up import wake_up_on_commit
from organizations.models import Organization
from people.models import Person

# The channel of NOTIFY on which workers learn of a queued operation.
CHANNEL = "importsvc_operations"

CANCEL_SECONDS = 10
_LOOK_EVERY = 0.05

# Rows that one statement deletes: its transaction takes some tens of milliseconds.
PRUNED_AT_ONCE = 10_000


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
    wake_up_on_commit()
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
    found = find_operation(organization=organization, operation_id=operation_id)
    if found.status != Status.QUEUED:
        raise AlreadyFinished(found.status)
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


def wait_until_finished(*, organization: Organization, operation_id: int, seconds: float) -> Operation:
    """The operation when it is finished, or after so many seconds; not in a transaction.

    Raises:
        RecordNotFound: there is no such operation.
    """
    deadline = time.monotonic() + seconds
    while True:
        operation = find_operation(organization=organization, operation_id=operation_id)
        left = deadline - time.monotonic()
        if operation.finished_at is not None or left <= 0:
            return operation
        time.sleep(min(_LOOK_EVERY, left))


def prune(*, dry_run: bool = False) -> int:
    """Delete the operations that finished more than ``OPERATION_DAYS`` ago, in short transactions; return how many.

    A dry run only counts them. Rows that another transaction is writing are skipped.
    """
    # The only statement that looks at all organizations.
    expired = Operation.objects.filter(finished_at__lte=_expiry())
    counts = expired.values_list("organization_id").annotate(count=Count("id")).order_by("organization_id")
    if dry_run:
        return sum(count for _, count in counts)
    return sum(_prune_organization(organization_id) for organization_id, _ in counts)


def finish(operation: Operation, status: Status, *, errors: tuple[DomainError, ...] = ()) -> None:
    """Finish an operation whose row is locked, with the id of its import and its result.

    Its rows are deleted, and its event is recorded.
    """
    operation.status = status
    operation.errors = [store_error(error) for error in errors]
    # The clock may be set back between two readings.
    operation.finished_at = max(timezone.now(), operation.queued_at)
    Operation.objects.filter(organization_id=operation.organization_id, pk=operation.pk).update(
        status=operation.status,
        errors=operation.errors,
        finished_at=operation.finished_at,
        import_record_id=operation.import_record_id,
        result=operation.result,
    )
    get_performer().discard(operation)
    record_end(operation)


def _prune_organization(organization_id: int) -> int:
    operations = Operation.objects.filter(organization_id=organization_id)
    count = 0
    while True:
        with transaction.atomic():
            expired = operations.filter(finished_at__lte=_expiry()).order_by("finished_at", "id")
            locked = expired.select_for_update(skip_locked=True)
            ids = list(locked.values_list("pk", flat=True)[:PRUNED_AT_ONCE])
            Progress.objects.filter(organization_id=organization_id, operation_id__in=ids).delete()
            with connection.cursor() as cursor:
                # Not delete(), which looks for rows to cascade to: a finished operation has no others.
                cursor.execute(
                    "DELETE FROM operations_operation WHERE organization_id = %s AND id = ANY(%s)",
                    [organization_id, ids],
                )
        count += len(ids)
        if len(ids) < PRUNED_AT_ONCE:
            return count


def _expiry() -> datetime:
    return timezone.now() - timedelta(days=settings.OPERATION_DAYS)


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
    # Between two statements the worker reads the request. The update locks the row until the statement is ended, so the
    # worker cannot go on to another operation meanwhile; a process that was given a dead worker's id has a later
    # transaction. In a cluster, the first statement runs on a node, and the second on the coordinator.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE operations_progress SET cancel_requested_at = statement_timestamp()"
            " WHERE organization_id = %s AND operation_id = %s RETURNING work_pid, started_at",
            [organization.pk, operation_id],
        )
        cursor.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = %s AND xact_start <= %s", cursor.fetchone()
        )
