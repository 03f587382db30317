"""A cluster for these tests, and databases on it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from psycopg2.extensions import parse_dsn

from benchmarks.cluster.databases import create_cluster_database, drop_database, list_servers, run
from benchmarks.cluster.servers import MISSING, ClusterServer, find_programs, own_servers
from tests.command_line import Outcome


@dataclass(frozen=True)
class ClusterDatabase:
    """An empty database of the cluster.

    Attributes:
        parameters: of a connection to the coordinator.
        servers: hosts and ports, the coordinator's first.
        own: the servers, if the tests have started them.
    """

    parameters: dict[str, Any]
    servers: list[tuple[str, int]]
    own: list[ClusterServer]

    @property
    def url(self) -> str:
        """The ``DATABASE_URL``."""
        given = self.parameters
        account = given["user"] + (f":{given['password']}" if given.get("password") else "")
        return f"postgres://{account}@{given['host']}:{given['port']}/{given['dbname']}"

    def ask(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        return run(self.parameters, sql, arguments)

    def manage(self, *arguments: Any) -> Outcome:
        """Run a command of ``manage.py``."""
        return self.run("manage.py", *arguments)

    def run(self, *arguments: Any) -> Outcome:
        """Run Python with the database as ``DATABASE_URL``."""
        environment = {**os.environ, "DATABASE_URL": self.url, "NO_COLOR": "1", "DJANGO_COLORS": "nocolor"}
        command = [sys.executable, *map(str, arguments)]
        done = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True)
        return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def cluster_servers() -> Iterator[tuple[dict[str, Any], list[tuple[str, int]], list[ClusterServer]]]:
    """A coordinator with two nodes, or the cluster that ``CITUS_URL`` names."""
    if url := os.environ.get("CITUS_URL"):
        parameters: dict[str, Any] = parse_dsn(url)
        yield parameters, list_servers(parameters), []
        return
    programs = find_programs()
    if programs is None:
        pytest.skip(MISSING)
    with own_servers(programs, nodes=2) as servers:
        yield servers[0].parameters, [("127.0.0.1", server.port) for server in servers], servers


@pytest.fixture
def make_database(cluster_servers: Any) -> Iterator[Callable[[str], ClusterDatabase]]:
    """What makes an empty database on all servers of the cluster."""
    parameters, servers, own = cluster_servers
    made = []

    def make(name: str) -> ClusterDatabase:
        create_cluster_database(parameters, name, servers)
        made.append(name)
        return ClusterDatabase({**parameters, "dbname": name}, servers, own)

    yield make
    for name in made:
        for host, port in servers:
            drop_database({**parameters, "host": host, "port": port}, name)


@pytest.fixture
def database(make_database: Callable[[str], ClusterDatabase]) -> ClusterDatabase:
    """A migrated database of the cluster, which is not distributed."""
    made = make_database("importsvc_test")
    outcome = made.manage("migrate", "-v0")
    assert outcome.code == 0, outcome.err
    return made
