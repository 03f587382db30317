"""Attempts, progress and requests to cancel: written and read outside of the transaction that does the work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
        operation: of the attempt that has begun; ``None`` before.
    """

    def __init__(self, side: BaseDatabaseWrapper) -> None:
        self.operation: Operation | None = None
        self._side = side
        self._counts = dict.fromkeys(_PHASES, 0)
        self._written_at = 0.0

    def begin_attempt(self, operation: Operation, worker: str) -> Attempt:
        """Count an attempt of this worker, which runs for as long as this connection lives, or until ``end``."""
        self.operation = operation
        with self._side.cursor() as cursor:
            # Progress that is lost in a crash of the server belongs to work that is lost as well.
            cursor.execute("SET synchronous_commit TO off")
        number, cancel_requested_at = self._write(
            "attempts = attempts + 1, started_at = statement_timestamp(), worker = %s,"
            " backend_pid = pg_backend_pid(), work_pid = NULL,"
            " phase = '', done = 0, total = 0",
            [worker],
        )
        return Attempt(number, cancel_requested_at is not None)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let statements of the block, which are those of the main connection, be ended by a request to cancel.

        None after the block is: the request locks the progress while it ends a statement.
        """
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (backend_pid,) = cursor.fetchone()
        self._write("work_pid = %s", [backend_pid])
        try:
            yield
        finally:
            self._write("work_pid = NULL", [])

    def make_report(self, is_stopping: Callable[[], bool]) -> Callable[[str, int], None]:
        """The ``progress`` argument of services: so many rows more are ``read``, ``checked`` or ``written``.

        It raises ``OperationCancelled`` or, if ``is_stopping``, ``OperationReleased`` to end the work.
        """

        def report(what: str, count: int) -> None:
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
            if is_stopping():
                raise OperationReleased

        return report

    def is_cancelled(self) -> bool:
        """Whether the operation is to be cancelled."""
        return self._write("phase = phase", [])[1] is not None

    def complete(self) -> None:
        """Show all rows as done."""
        total = self._counts["read"]
        self._write("phase = '', done = %s, total = %s", [total, total])

    def end_attempt(self, *, is_counted: bool) -> int:
        """Show no rows as done, and return the number of attempts; one that is not counted was none."""
        return self._write("phase = '', done = 0, attempts = attempts - %s", [0 if is_counted else 1])[0]

    def end(self) -> None:
        """Show that no attempt runs: its transaction has ended."""
        self._write("backend_pid = NULL", [])

    def _write(self, assignments: str, parameters: list[Any]) -> tuple[int, object]:
        assert self.operation  # noqa: S101 - an attempt has begun
        with self._side.cursor() as cursor:
            cursor.execute(
                f"UPDATE operations_progress SET {assignments}"  # noqa: S608 - they are constants
                " WHERE organization_id = %s AND operation_id = %s RETURNING attempts, cancel_requested_at",
                [*parameters, self.operation.organization_id, self.operation.pk],
            )
            attempts, cancel_requested_at = cursor.fetchone()
        return attempts, cancel_requested_at
