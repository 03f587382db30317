"""Several database connections at once, in an order that the test decides and not the scheduler."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from types import FunctionType
from typing import Any

import pytest
from django.db import connection, connections, transaction

from importsvc.postgres.citus.catalog import has_extension

# For a machine that is busy with other tests.
PATIENCE_SECONDS = 60

_BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


class Gate:
    """Stops the first thread that calls a function, until the test opens the gate."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, after: bool = False) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()
        self.backend_id = 0
        self.after = after
        self.function = getattr(owner, name)
        self.is_method = isinstance(inspect.getattr_static(owner, name), FunctionType)
        monkeypatch.setattr(owner, name, self)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function, with a stop before or after it."""
        outcome = self.function(*arguments, **named) if self.after else None
        if not self.reached.is_set():
            self.backend_id = ask("SELECT pg_backend_pid()")
            self.reached.set()
            assert self.opened.wait(PATIENCE_SECONDS)
        return outcome if self.after else self.function(*arguments, **named)

    def __get__(self, instance: Any, owner: type) -> Callable[..., Any]:
        """The gate as a method, or as a static method."""
        return partial(self, instance) if self.is_method else self

    def wait(self) -> None:
        """Wait until a thread has reached the gate."""
        assert self.reached.wait(PATIENCE_SECONDS)

    def open(self) -> None:
        """Let the waiting thread and all later ones pass."""
        self.opened.set()


class Threads:
    """Work in threads, each with a database connection of its own."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.pool = pool

    def start(self, work: Callable[[], Any]) -> Future[Any]:
        """Begin the work; its result is what it returns, or the exception that it raises."""
        return self.pool.submit(_run, work)

    def start_blocked(self, work: Callable[[], Any]) -> Future[Any]:
        """Begin the work and wait until it is blocked by a lock of another connection."""
        future = self.start(work)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not count_blocked():
            assert not future.done(), f"it did not wait: {future.result()!r}"
            assert time.monotonic() < deadline
        return future


class Steps:
    """A function to put a gate at."""

    @staticmethod
    def stop() -> None:
        """Does nothing."""


def hold(work: Callable[[], Any]) -> Callable[[], Any]:
    """The work in a transaction that stays open until the gate is opened."""

    def run() -> None:
        with transaction.atomic():
            work()
            Steps.stop()

    return run


@contextmanager
def threads() -> Iterator[Threads]:
    """Threads for a test, all of which have ended at the end of the block."""
    with ThreadPoolExecutor() as pool:
        yield Threads(pool)


def ask(sql: str, *parameters: Any) -> Any:
    """One value from the database."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()[0]


def count_blocked() -> int:
    """The number of statements that wait for a lock: on this server, or else on the nodes of a cluster."""
    ask("SELECT pg_stat_clear_snapshot()")  # otherwise a transaction keeps its first view of the statistics
    blocked: int = ask(_BLOCKED)
    if not blocked and has_extension(connection):
        blocked = ask("SELECT coalesce(sum(result::integer), 0) FROM run_command_on_workers(%s)", _BLOCKED)
    return blocked


def _run(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception as error:
        return error
    finally:
        connections.close_all()
