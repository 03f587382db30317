"""Errors of PostgreSQL, and connections that it ends at a statement that the test chooses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import psycopg2.extensions
from django.db import connection

# For a machine that is busy with other tests.
PATIENCE_SECONDS = 60


class Fault:
    """Ends the connection of this thread just before the n-th command to PostgreSQL.

    Attributes:
        has_struck: whether so many were sent.
    """

    def __init__(self, number: int) -> None:
        self.has_struck = False
        self._left = number

    def step(self, process_id: int) -> None:
        """Count a command, and end the connection before the n-th."""
        self._left -= 1
        if self._left == 0:
            self.has_struck = True
            _terminate(process_id)


@contextmanager
def fault_at(number: int) -> Iterator[Fault]:
    """Within the block, this thread has a new connection, which ends just before the n-th thing it is to do.

    Statements, COPY, commits and rollbacks count. Afterwards it has a new one again.
    """
    fault = Fault(number)

    class Cursor(psycopg2.extensions.cursor):
        def execute(self, *arguments: Any, **named: Any) -> Any:
            fault.step(self.connection.info.backend_pid)
            return super().execute(*arguments, **named)

        def copy_expert(self, *arguments: Any, **named: Any) -> Any:
            fault.step(self.connection.info.backend_pid)
            return super().copy_expert(*arguments, **named)

    class Connection(psycopg2.extensions.connection):
        def cursor(self, *arguments: Any, **named: Any) -> Any:
            return super().cursor(*arguments, **{"cursor_factory": Cursor, **named})

        def commit(self) -> None:
            fault.step(self.info.backend_pid)
            super().commit()

    options = connection.settings_dict["OPTIONS"]
    connection.close()
    options["connection_factory"] = Connection
    try:
        yield fault
    finally:
        del options["connection_factory"]
        connection.close()


def _terminate(process_id: int) -> None:
    """End a backend and wait until it has released its locks."""
    parameters = {
        name: value for name, value in connection.get_connection_params().items() if name != "connection_factory"
    }
    with closing(psycopg2.connect(**parameters)) as other:
        other.autocommit = True
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [process_id])
            deadline = time.monotonic() + PATIENCE_SECONDS
            while True:
                cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [process_id])
                if cursor.fetchone() == (0,):
                    return
                assert time.monotonic() < deadline
                time.sleep(0.005)


class PostgreSQLError(psycopg2.Error):
    """An error of psycopg2 with a given code."""

    def __init__(self, code: str | None) -> None:
        super().__init__("no")
        self.code = code

    @property
    def pgcode(self) -> str | None:
        """The SQLSTATE of the error."""
        return self.code
