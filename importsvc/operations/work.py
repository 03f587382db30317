"""A worker does operations: the claim and the work are one transaction (docs/decisions/0019)."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import psycopg2
from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from importsvc.errors import Busy, DomainError
from importsvc.operations.errors import WorkerLost
from importsvc.operations.models import Operation, Status
from importsvc.operations.performers import get_performer
from importsvc.operations.progress import OperationCancelled, OperationReleased, ProgressWriter
from importsvc.operations.services import finish
from importsvc.postgres.claiming import lock_first
from importsvc.postgres.side_connection import open_side_connection

# After so many attempts that ended with their worker, or with an unexpected exception, an operation fails.
ATTEMPTS = 3

# The seconds until the next attempt, while another transaction is in the way or after an unexpected exception.
POSTPONED_SECONDS = 2

# The seconds between two looks at whether the work is to end.
_LOOK_SECONDS = 0.1

# How soon PostgreSQL notices that a worker is gone, in the middle of a statement as well: at once if the process ended,
# after eight seconds if its host or the network did. With the defaults a statement goes on until it sends something.
_NOTICE_LOST_WORKER = {
    "client_connection_check_interval": "500ms",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
}

logger = logging.getLogger("importsvc.operations")


def run_next(*, is_stopping: Callable[[], bool] = lambda: False) -> bool:
    """Do the next operation, and return whether there was one to do.

    An organization's operations are done in the order in which they were queued, one at a time. Operations that
    another worker does are passed over. One that meets a lock of another transaction stays queued. Work that ends with
    an unexpected exception, which is logged, changes nothing; its operation is queued again until it has had
    ``ATTEMPTS`` attempts.

    Args:
        is_stopping: tells whether the work is to end now. It is rolled back then, and the operation queued again
            without counting the attempt. Called in another thread.

    Raises:
        DatabaseError: the database cannot be used. Nothing was changed.
    """
    with open_side_connection() as side:
        progress = ProgressWriter(side)
        try:
            with transaction.atomic(durable=True):
                operation = claim_next()
                if operation is None:
                    return False
                _perform(operation, progress, is_stopping)
        except OperationReleased:
            logger.warning("%s is rolled back and queued again: the worker stops", progress.operation)
            progress.end_attempt(is_counted=False)
        except Busy as error:
            logger.info("%s is queued again: %s", progress.operation, error)
            progress.end_attempt(is_counted=False)
            _postpone(progress.operation)
        except Exception:
            if progress.operation is None:
                raise
            logger.exception("%s has ended with an exception, and nothing was changed", progress.operation)
            _release(progress.operation, progress)
        progress.end()
    return True


def claim_next() -> Operation | None:
    """Lock the next operation in the caller's transaction: the first one of an organization that no worker does.

    The lock lets other transactions write rows that refer to the operation, such as its progress. It is released when
    the process or its host is lost.
    """
    # The only statement of workers that looks at all organizations.
    queued = Operation.objects.filter(status=Status.QUEUED)
    earlier = queued.filter(organization_id=OuterRef("organization_id"), pk__lt=OuterRef("pk"))
    operation = lock_first(
        queued.filter(~Exists(earlier), due_at__lte=Now()).order_by("id"), status=Status.QUEUED.value
    )
    if operation is not None:
        with connection.cursor() as cursor:
            settings = ", ".join(["set_config(%s, %s, true)"] * len(_NOTICE_LOST_WORKER))
            parameters = [each for setting in _NOTICE_LOST_WORKER.items() for each in setting]
            cursor.execute(f"SELECT {settings}", parameters)
    return operation


def get_worker_name() -> str:
    """The host and the process: ``node-1:4711``."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _perform(operation: Operation, progress: ProgressWriter, is_stopping: Callable[[], bool]) -> None:
    attempt = progress.begin_attempt(operation, get_worker_name())
    if attempt.is_cancelled or attempt.number > ATTEMPTS:
        progress.end_attempt(is_counted=False)
        if attempt.is_cancelled:
            finish(operation, Status.CANCELLED)
        else:
            logger.error("%s fails: its worker ended in each of %s attempts", operation, ATTEMPTS)
            finish(operation, Status.FAILED, errors=(WorkerLost(),))
        return
    try:
        with transaction.atomic(), progress.interruptible(), _interrupt_when(is_stopping):
            operation.import_record_id = get_performer().perform(operation, progress.make_report(is_stopping))
    except Busy:
        raise
    except DomainError as error:
        progress.end_attempt(is_counted=True)
        finish(operation, Status.FAILED, errors=error.each)
    except (OperationCancelled, OperationReleased, DatabaseError) as error:
        # PostgreSQL may have ended the statement, because it was asked to or by itself.
        if progress.is_cancelled():
            progress.end_attempt(is_counted=True)
            finish(operation, Status.CANCELLED)
        elif is_stopping():
            raise OperationReleased from error
        else:
            raise
    else:
        progress.complete()
        finish(operation, Status.SUCCEEDED)


@contextmanager
def _interrupt_when(is_stopping: Callable[[], bool]) -> Iterator[None]:
    """End the statements of the block as soon as the work is to end."""
    driver_connection, has_ended = connection.connection, threading.Event()

    def watch() -> None:
        while not has_ended.wait(_LOOK_SECONDS):
            if is_stopping():
                with suppress(psycopg2.Error):  # the connection is lost
                    driver_connection.cancel()

    thread = threading.Thread(target=watch, name="importsvc-interrupt", daemon=True)
    thread.start()
    try:
        yield
    finally:
        has_ended.set()
        thread.join()


def _postpone(operation: Operation | None) -> None:
    assert operation  # noqa: S101 - it has begun
    operations = Operation.objects.filter(organization_id=operation.organization_id, pk=operation.pk)
    operations.filter(status=Status.QUEUED).update(due_at=Now() + timedelta(seconds=POSTPONED_SECONDS))


def _release(operation: Operation, progress: ProgressWriter) -> None:
    """Show that the work ended with an exception; after the last attempt the operation fails."""
    connection.close_if_unusable_or_obsolete()
    attempts = progress.end_attempt(is_counted=True)
    _postpone(operation)
    if attempts < ATTEMPTS:
        return
    operations = Operation.objects.filter(organization_id=operation.organization_id, pk=operation.pk)
    with transaction.atomic(durable=True):
        locked = operations.select_for_update(no_key=True, skip_locked=True).filter(status=Status.QUEUED).first()
        if locked is not None:
            finish(locked, Status.FAILED, errors=(DomainError("Something went wrong on our side"),))
