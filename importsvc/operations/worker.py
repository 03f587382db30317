"""The loop of a worker process: do what is queued, then wait until something is."""

from __future__ import annotations

import logging
import os

import psycopg2
from django.db import DatabaseError, InterfaceError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from importsvc.operations.services import CHANNEL
from importsvc.operations.stopping import StopRequest
from importsvc.operations.work import get_worker_name, run_next
from importsvc.postgres.side_connection import open_side_connection
from importsvc.webhooks.sender import start_sender

# The seconds between two looks at the queue without a notification.
POLL_SECONDS = 1.0

# The ``application_name`` of the connection on which a worker waits, before its name. PostgreSQL keeps 63 bytes.
_APPLICATION = "importsvc worker "
_LONGEST_APPLICATION = 63

logger = logging.getLogger("importsvc.operations")


class Worker:
    """Does operations until it is stopped."""

    def __init__(self, stop: StopRequest, *, parent_id: int) -> None:
        """The worker of a process, which also stops when its parent process has ended."""
        self._stop = stop
        self._parent_id = parent_id

    def run(self) -> None:
        """Do operations, and send webhooks, until the stop is requested. While the database is away, try again."""
        start_sender(lambda: self._stop.is_requested)
        while not self._is_stopped():
            try:
                self._run_connected()
            except (DatabaseError, InterfaceError, psycopg2.Error) as error:
                logger.warning("The worker cannot use the database: %s", str(error).strip())
                connection.close()
                self._stop.wait(POLL_SECONDS)

    def _run_connected(self) -> None:
        with open_side_connection() as side:
            _listen(side)
            while not self._is_stopped():
                if not run_next(is_stopping=self._stop.is_over):
                    self._stop.wait(POLL_SECONDS, side.connection)
                    # Raises if the connection is lost.
                    side.connection.poll()
                    side.connection.notifies.clear()

    def _is_stopped(self) -> bool:
        if os.getppid() != self._parent_id:
            logger.warning("The worker stops: its parent process has ended")
            self._stop.request()
        return self._stop.is_requested


def count_workers(host: str = "") -> int:
    """The number of workers of this host, or of all, that are connected to the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND starts_with(application_name, %s)",
            [f"{_APPLICATION}{host}{':' if host else ''}"[:_LONGEST_APPLICATION]],
        )
        return int(cursor.fetchone()[0])


def _listen(side: BaseDatabaseWrapper) -> None:
    with side.cursor() as cursor:
        name = f"{_APPLICATION}{get_worker_name()}"[:_LONGEST_APPLICATION]
        cursor.execute("SELECT set_config('application_name', %s, false)", [name])
        cursor.execute(f"LISTEN {CHANNEL}")
