"""A worker does operations: the claim and the work are one transaction (docs/decisions/0018)."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from datetime import timedelta

from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from importsvc.errors import Busy, DomainError
from importsvc.operations.errors import WorkerLost
from importsvc.operations.models import Operation, Status
from importsvc.operations.performers import get_performer
from importsvc.operations.progress import OperationCancelled, OperationReleased, ProgressWriter
from importsvc.operations.services import finish
from importsvc.postgres.side_connection import open_side_connection

# After so many attempts that ended with their worker, or with an unexpected exception, an operation fails.
ATTEMPTS = 3

# The seconds until the next attempt, while another transaction is in the way or after an unexpected exception.
POSTPONED_SECONDS = 2

logger = logging.getLogger("importsvc.operations")


def run_next(*, is_stopping: Callable[[], bool] = lambda: False) -> bool:
    """Do the next operation, and return whether there was one to do.

    An organization's operations are done in the order in which they were queued, one at a time. Operations that
    another worker does are passed over. One that meets a lock of another transaction stays queued.

    Args:
        is_stopping: tells whether the work is to end soon; the operation then stays queued.

    Raises:
        Exception: the work failed unexpectedly. Nothing was changed, and the operation is queued until it has had
            ``ATTEMPTS`` attempts.
    """
    with open_side_connection() as side:
        progress = ProgressWriter(side, is_stopping=is_stopping)
        try:
            with transaction.atomic(durable=True):
                operation = claim_next()
                if operation is None:
                    return False
                _perform(operation, progress)
            progress.end()
        except OperationReleased:
            logger.warning("%s is queued again: the worker stops", progress.operation)
            progress.release(counted=False)
        except Busy as error:
            logger.info("%s is queued again: %s", progress.operation, error)
            progress.release(counted=False)
            _postpone(progress.operation)
        except Exception:
            if progress.operation:
                _release(progress.operation, progress)
            raise
        return True


def claim_next() -> Operation | None:
    """Lock the next operation in the caller's transaction: the first one of an organization that no worker does.

    The lock lets other transactions write rows that refer to the operation, such as its progress.
    """
    # The only statement of workers that looks at all organizations.
    queued = Operation.objects.filter(status=Status.QUEUED)
    earlier = queued.filter(organization_id=OuterRef("organization_id"), pk__lt=OuterRef("pk"))
    first = queued.filter(~Exists(earlier), due_at__lte=Now()).order_by("pk")
    return first.select_for_update(no_key=True, skip_locked=True).first()


def get_worker_name() -> str:
    """The host and the process: ``node-1:4711``."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _perform(operation: Operation, progress: ProgressWriter) -> None:
    attempt = progress.begin(operation, get_worker_name())
    if attempt.is_cancelled:
        finish(operation, Status.CANCELLED)
        return
    if attempt.number > ATTEMPTS:
        logger.error("%s fails: its worker ended in each of %s attempts", operation, ATTEMPTS)
        finish(operation, Status.FAILED, errors=(WorkerLost(),))
        return
    try:
        with transaction.atomic():
            operation.import_record_id = get_performer().perform(operation, progress.report)
    except Busy:
        raise
    except DomainError as error:
        finish(operation, Status.FAILED, errors=(error,))
    except OperationCancelled:
        finish(operation, Status.CANCELLED)
    except DatabaseError:
        # PostgreSQL ended the statement, which may have been asked for.
        if not progress.is_cancelled():
            raise
        finish(operation, Status.CANCELLED)
    else:
        finish(operation, Status.SUCCEEDED)
    progress.finish(is_done=operation.status == Status.SUCCEEDED)


def _postpone(operation: Operation | None) -> None:
    assert operation  # noqa: S101 - it has begun
    operations = Operation.objects.filter(organization_id=operation.organization_id, pk=operation.pk)
    operations.filter(status=Status.QUEUED).update(due_at=Now() + timedelta(seconds=POSTPONED_SECONDS))


def _release(operation: Operation, progress: ProgressWriter) -> None:
    """Show that the work ended with an exception; after the last attempt the operation fails."""
    connection.close_if_unusable_or_obsolete()
    progress.release(counted=True)
    _postpone(operation)
    operations = Operation.objects.filter(organization_id=operation.organization_id, pk=operation.pk)
    with transaction.atomic(durable=True):
        locked = operations.select_for_update(no_key=True, skip_locked=True).filter(status=Status.QUEUED).first()
        if locked is not None and progress.count_attempts() >= ATTEMPTS:
            finish(locked, Status.FAILED, errors=(DomainError("Something went wrong on our side"),))
