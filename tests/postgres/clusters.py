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
def own_cluster() -> Iterator[Cluster]:
    """A server, which is stopped at the end of the block."""
    # Not in pytest's folder: each start of pytest takes the right to enter that from PostgreSQL's account.
    with tempfile.TemporaryDirectory(prefix="importsvc-") as folder:
        cluster = Cluster(Path(folder) / "postgres")
        try:
            yield cluster
        finally:
            cluster.stop()
