"""The loop of a worker process: do what is queued, then wait until something is."""

from __future__ import annotations

import logging
import select
import threading
import time
from types import FrameType
from typing import Any

import psycopg2
from django.db import OperationalError, connection, connections

from importsvc.operations.services import CHANNEL
from importsvc.operations.work import get_worker_name, run_next
from importsvc.postgres.side_connection import open_side_connection

# The seconds between two looks at the queue without a notification.
POLL_SECONDS = 1.0

# The seconds for which a running operation may go on after a stop signal.
GRACE_SECONDS = 25

# The ``application_name`` of the connection on which a worker waits, before its name.
APPLICATION = "importsvc worker "

logger = logging.getLogger("importsvc.operations")


class Worker:
    """Does operations until it is stopped."""

    def __init__(self, *, grace_seconds: float = GRACE_SECONDS) -> None:
        self._grace_seconds = grace_seconds
        self._stopped_at: float | None = None

    def stop(self, _signal_number: int = 0, _frame: FrameType | None = None) -> None:
        """Begin no further operation; end a running one, which stays queued, after the grace. A signal handler."""
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
            timer = threading.Timer(self._grace_seconds, _cancel_statement, [connection.connection])
            timer.daemon = True
            timer.start()

    def run(self) -> None:
        """Do operations until ``stop`` is called. While the database cannot be reached, try again."""
        while self._stopped_at is None:
            try:
                self._run_connected()
            except (OperationalError, psycopg2.OperationalError) as error:
                logger.warning("The worker has lost the database: %s", str(error).strip())
                time.sleep(POLL_SECONDS)

    def _run_connected(self) -> None:
        with open_side_connection() as side:
            with side.cursor() as cursor:
                cursor.execute("SELECT set_config('application_name', %s, false)", [APPLICATION + get_worker_name()])
                cursor.execute(f"LISTEN {CHANNEL}")
            while self._stopped_at is None:
                if not self._run_one():
                    _wait(side.connection)

    def _run_one(self) -> bool:
        try:
            return run_next(is_stopping=self._is_over)
        except Exception:
            if self._is_over():
                logger.warning("The operation that ran is queued again: the worker stops")
            else:
                logger.exception("An operation ended with an exception; it is queued for another attempt")
            connections["default"].close()
            return False

    def _is_over(self) -> bool:
        return self._stopped_at is not None and time.monotonic() - self._stopped_at >= self._grace_seconds


def count_workers(host: str) -> int:
    """The number of workers of this host that are connected to the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND starts_with(application_name, %s)",
            [f"{APPLICATION}{host}:"],
        )
        return int(cursor.fetchone()[0])


def _wait(listening: Any) -> None:
    """Until a notification comes, or ``POLL_SECONDS``. Raises if the connection is lost."""
    select.select([listening], [], [], POLL_SECONDS)
    listening.poll()
    listening.notifies.clear()


def _cancel_statement(raw_connection: Any) -> None:
    if raw_connection is not None and not raw_connection.closed:
        raw_connection.cancel()
