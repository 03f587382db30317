"""Worker processes for tests, and work that stops at a chosen point."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from importsvc.operations.models import Operation
from importsvc.postgres.side_connection import open_side_connection
from tests.command_line import start
from tests.interleaving import count_blocked

# For a machine that is busy with other tests.
PATIENCE_SECONDS = 180

# Held by a test, stops an import and a revert when they write people: their companies are written already.
PEOPLE = "LOCK TABLE people_person IN SHARE MODE"


class WorkerProcess:
    """``manage.py work``.

    Attributes:
        process: that was started, and has a child for each worker.
        output: what was printed; complete after ``stop``.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.output = ""

    def find_children(self) -> list[psutil.Process]:
        """The processes that do the work."""
        return [child for child in psutil.Process(self.process.pid).children() if child.is_running()]

    def kill_child(self) -> None:
        """Kill a worker; it is started again."""
        self.find_children()[0].kill()

    def kill_all(self) -> None:
        """Kill the process and all workers."""
        children = self.find_children()
        self.process.kill()
        for child in children:
            child.kill()

    def stop(self) -> int:
        """Send SIGTERM, and wait for the end; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        self.output, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode


@contextmanager
def work(*options: object) -> Iterator[WorkerProcess]:
    """``manage.py work`` on the test's database; killed at the end of the block unless it was stopped."""
    worker = WorkerProcess(start("work", *options))
    try:
        yield worker
    finally:
        if worker.process.poll() is None:
            worker.kill_all()
        worker.process.communicate()


@contextmanager
def holding(statement: str, *parameters: int) -> Iterator[None]:
    """A transaction of another connection that has run a statement, and is rolled back at the end of the block."""
    with open_side_connection() as side:
        side.set_autocommit(False)
        with side.cursor() as cursor:
            cursor.execute(statement, parameters)
            yield
        side.rollback()


def wait_until(condition: Callable[[], object], *, seconds: float = PATIENCE_SECONDS) -> float:
    """Wait until the condition is true; returns the seconds that took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "waited in vain"
        time.sleep(0.02)
    return time.monotonic() - started


def wait_until_blocked(count: int = 1) -> None:
    """Wait until so many statements wait for a lock."""
    wait_until(lambda: count_blocked() == count)


def wait_for_status(operation: Operation, status: str) -> None:
    """Wait until the operation has this status, and read it."""

    def has_status() -> bool:
        operation.refresh_from_db()
        return operation.status == status

    wait_until(has_status)


def is_running(process_id: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
