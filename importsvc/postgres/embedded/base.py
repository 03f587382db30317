"""Django's PostgreSQL backend on the embedded server, which starts when the first connection needs it.

Commands that make no connection (``check``, type checks, ``--help``) start nothing.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import OperationalError
from django.db.backends.postgresql import base, client

from importsvc.postgres.embedded import PORT, PROGRAMS, USER, Server, StartError

SERVER = Server(settings.VAR_DIR / "postgres")


class DatabaseClient(client.DatabaseClient):
    """``manage.py dbshell``, with the psql that comes along."""

    executable_name = str(PROGRAMS / "psql")

    def runshell(self, parameters: Iterable[str]) -> None:
        """Start the server unless it runs, and psql on it."""
        self.connection.get_connection_params()
        super().runshell(parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to the embedded server; in everything else Django's own backend."""

    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        """What to connect with, once the server answers.

        Raises:
            OperationalError: the server does not start, as when another server cannot be reached.
        """
        try:
            socket_folder = SERVER.start()
        except (StartError, OSError) as error:
            raise OperationalError(str(error)) from error
        self.settings_dict.update(HOST=str(socket_folder), PORT=PORT, USER=USER)
        return super().get_connection_params()
