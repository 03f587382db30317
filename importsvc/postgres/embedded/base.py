"""Django's PostgreSQL backend with the embedded server, which starts with the first connection.

Commands that make no connection, such as ``check`` or ``--help``, do not start it.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import OperationalError
from django.db.backends.postgresql import base, client

from importsvc.postgres.embedded import PORT, PROGRAMS, USER, Server

SERVER = Server(settings.VAR_DIR / "postgres")


class DatabaseClient(client.DatabaseClient):
    """``manage.py dbshell`` with the psql of the embedded server."""

    executable_name = str(PROGRAMS / "psql")

    def runshell(self, parameters: Iterable[str]) -> None:
        self.connection.get_connection_params()
        super().runshell(parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to the embedded server; otherwise Django's own backend."""

    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        """Start the server. If that fails, the error is the one of a server that Django cannot reach."""
        try:
            socket_folder = SERVER.start()
        except OSError as error:
            raise OperationalError(str(error)) from error
        self.settings_dict.update(HOST=str(socket_folder), PORT=PORT, USER=USER)
        return super().get_connection_params()
