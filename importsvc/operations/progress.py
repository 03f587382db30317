"""Attempts, progress and requests to cancel: written and read outside of the transaction that does the work."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from importsvc.operations.models import Operation

# The seconds between two writes of the progress, each of which also notices a request to cancel.
WRITTEN_EVERY = 0.2

# The phases of the work, by what services report; the last one that has begun is shown.
_PHASES = {"read": "reading", "checked": "checking", "written": "writing"}


class OperationCancelled(Exception):
    """The work ends because its operation is to be cancelled."""


class OperationReleased(Exception):
    """The work ends because its worker stops. The operation stays queued."""


class Attempt(NamedTuple):
    """The attempt that begins: its number, counted from 1, and whether the operation is to be cancelled instead."""

    number: int
    is_cancelled: bool


class ProgressWriter:
    """Writes the progress of one operation through a connection of its own.

    Attributes:
        operation: that has begun; ``None`` before.
    """

    def __init__(self, side: BaseDatabaseWrapper, *, is_stopping: Callable[[], bool]) -> None:
        """``is_stopping`` tells whether the work is to end, so that another worker does it."""
        self.operation: Operation | None = None
        self._side = side
        self._is_stopping = is_stopping
        self._counts = dict.fromkeys(_PHASES, 0)
        self._written_at = 0.0

    def begin(self, operation: Operation, worker: str) -> Attempt:
        """Count an attempt of this worker, whose main connection has the transaction."""
        self.operation = operation
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (backend_pid,) = cursor.fetchone()
        number, cancel_requested_at = self._write(
            "attempts = attempts + 1, started_at = clock_timestamp(), worker = %s, backend_pid = %s,"
            " phase = '', done = 0, total = 0",
            [worker, backend_pid],
        )
        return Attempt(number, cancel_requested_at is not None)

    def report(self, what: str, count: int) -> None:
        """The ``progress`` argument of services: so many rows more are ``read``, ``checked`` or ``written``.

        Raises:
            OperationCancelled, OperationReleased: the work is to end now.
        """
        self._counts[what] += count
        if time.monotonic() - self._written_at < WRITTEN_EVERY:
            return
        self._written_at = time.monotonic()
        phase, done = next(
            ((name, self._counts[each]) for each, name in reversed(_PHASES.items()) if self._counts[each]), ("", 0)
        )
        _, cancel_requested_at = self._write(
            "phase = %s, done = %s, total = %s", [phase, 0 if phase == "reading" else done, self._counts["read"]]
        )
        if cancel_requested_at is not None:
            raise OperationCancelled
        if self._is_stopping():
            raise OperationReleased

    def count_attempts(self) -> int:
        """The number of attempts so far."""
        return self._write("attempts = attempts", [])[0]

    def is_cancelled(self) -> bool:
        """Whether the operation is to be cancelled."""
        return self._write("phase = phase", [])[1] is not None

    def finish(self, *, is_done: bool) -> None:
        """Show all rows of an operation that finishes as done, or none.

        It still runs until its transaction is committed; then its status says that it does not.
        """
        total = self._counts["read"]
        self._write("phase = '', done = %s, total = %s", [total if is_done else 0, total])

    def end(self) -> None:
        """Show that the operation, whose transaction is committed, is not running."""
        self._write("backend_pid = NULL", [])

    def release(self, *, counted: bool) -> None:
        """Show that the operation is not running. An attempt that is not ``counted`` was none."""
        self._write("backend_pid = NULL, phase = '', done = 0, attempts = attempts - %s", [0 if counted else 1])

    def _write(self, assignments: str, parameters: list[Any]) -> tuple[int, object]:
        assert self.operation  # noqa: S101 - it has begun
        with self._side.cursor() as cursor:
            cursor.execute(
                f"UPDATE operations_progress SET {assignments}"  # noqa: S608 - they are constants
                " WHERE organization_id = %s AND operation_id = %s RETURNING attempts, cancel_requested_at",
                [*parameters, self.operation.organization_id, self.operation.pk],
            )
            attempts, cancel_requested_at = cursor.fetchone()
        return attempts, cancel_requested_at
