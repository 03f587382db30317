"""PostgreSQL servers of a test's own, which it may stop."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from importsvc.postgres.embedded import DATABASE, PORT, USER, Server


class Cluster:
    """A server that nothing but the test starts and stops.

    Attributes:
        url: the ``DATABASE_URL`` of its empty database.
    """

    def __init__(self, folder: Path) -> None:
        self._server = Server(folder)
        self.start()
        self.url = (
            f"postgres:///{DATABASE}?{urlencode({'host': self._server.socket_folder, 'port': PORT, 'user': USER})}"
        )

    def start(self) -> None:
        """Start it, if it was stopped in the same folder."""
        self._server.start()

    def stop(self) -> None:
        """Stop it, as a service manager does: transactions are rolled back."""
        self._server.leave()


@contextmanager
def make_open_folder() -> Iterator[Path]:
    """A folder for the files of a server, which PostgreSQL's account may enter.

    It is not in pytest's: each start of pytest, also by a test or beside these tests, takes the right to enter that.
    """
    with tempfile.TemporaryDirectory(prefix="importsvc-") as folder:
        yield Path(folder)


@contextmanager
def own_cluster() -> Iterator[Cluster]:
    """A server, which is stopped at the end of the block."""
    with make_open_folder() as folder:
        cluster = Cluster(folder / "postgres")
        try:
            yield cluster
        finally:
            cluster.stop()
