"""A database of a cluster with organizations on its nodes, and the service on it."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from benchmarks.cluster.databases import create_cluster_database, run
from benchmarks.cluster.servers import ClusterServer

ROOT: Final = Path(__file__).resolve().parent.parent.parent
NAME: Final = "importsvc_cluster"
ORGANIZATIONS: Final = 8


class Trial:
    """A cluster of two nodes with organizations on both, and the service with two workers."""

    def __init__(self, servers: list[ClusterServer], people: int, *, workers: int = 2) -> None:
        """Create the database and the organizations.

        Args:
            servers: the coordinator and the nodes that have rows.
            people: of each import.
            workers: processes that the service starts for operations.
        """
        self.servers, self._people = servers, people
        self.database = {**servers[0].parameters, "dbname": NAME}
        create_cluster_database(servers[0].parameters, NAME, [("127.0.0.1", server.port) for server in servers])
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port: int = free.getsockname()[1]
        self.environment = {
            **os.environ,
            "DATABASE_URL": f"postgres://postgres@127.0.0.1:{servers[0].port}/{NAME}",
            "PORT": str(self._port),
            "WORKERS": str(workers),
            "API_RATE_LIMIT": "off",
            "ORGANIZATION_RATE_LIMIT": "off",
        }
        self._manage("migrate", "-v0")
        if len(servers) > 1:
            self._manage("distribute", "--shards", "8")
        made = [
            json.loads(
                self._manage("create_organization", f"Organization {number}", "--email", "ada@acme.test", "--json")
            )
            for number in range(ORGANIZATIONS)
        ]
        self.tokens = {each["organization_id"]: each["token"] for each in made}
        self._number = 0

    def start(self) -> subprocess.Popen[bytes]:
        """Start the service, and wait until it answers."""
        command = [sys.executable, "manage.py", "serve", "--no-migrate", "--no-demo"]
        quiet = subprocess.DEVNULL
        service = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=quiet, stderr=quiet)
        while True:
            with suppress(OSError):
                if self.request(next(iter(self.tokens)), "GET", "people")[0] == 200:
                    return service
            time.sleep(0.2)

    def judge(self, outcome: Counter[str]) -> None:
        """Count operations that are lost or failed, and imports that are half done."""
        statuses: dict[str, int] = dict(self.ask("SELECT status, count(*) FROM operations_operation GROUP BY status"))
        outcome["operations"] = sum(statuses.values())
        outcome["succeeded"] = statuses.get("succeeded", 0)
        half = 0
        for organization_id in self.tokens:
            # Records of imports that are run and not reverted, and a change for each record of those that were run.
            sql = (
                "SELECT (SELECT count(*) FROM people_person WHERE organization_id = %(id)s) - 1,"
                " (SELECT count(*) FROM changelog_anychange WHERE organization_id = %(id)s),"
                " count(processed_at), count(reverted_at) FROM imports_import WHERE organization_id = %(id)s"
            )
            people, changes, processed, reverted = self.ask(sql.replace("%(id)s", str(organization_id)))[0]
            expected = ((processed - reverted) * self._people, processed * self._people)
            half += (people, changes) != expected
        outcome["half-done organizations"] = half
        prepared = "SELECT count(*) FROM pg_prepared_xacts"
        outcome["prepared transactions left"] = sum(run(server.parameters, prepared)[0][0] for server in self.servers)

    def request(
        self, organization_id: int, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        """The status and the document of a response."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        given = {"X-Auth-Token": self.tokens[organization_id], "X-Organization-Id": str(organization_id), **headers}
        given["Content-Type"] = "application/vnd.api+json"
        connection.request(method, f"/api/v2/{path}", json.dumps(body) if body else None, given)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, json.loads(content) if content else None

    def find_node(self, organization_id: int) -> int:
        """The port of the node that has the rows of the organization."""
        node = (
            "SELECT nodeport FROM pg_dist_shard_placement WHERE shardid ="
            " get_shard_id_for_distribution_column('organizations_organization', %s)"
        )
        return int(self.ask(node, organization_id)[0][0])

    def count_operations(self, organization_id: int | None = None) -> dict[str, int]:
        """The numbers of operations by status, of an organization or of all."""
        condition = "" if organization_id is None else f"WHERE organization_id = {organization_id}"
        return dict(self.ask(f"SELECT status, count(*) FROM operations_operation {condition} GROUP BY status"))

    def wait(self, seconds: float = 120) -> None:
        """Wait until no operation is queued, or so long."""
        ends_at = time.monotonic() + seconds
        while self.count_operations().get("queued") and time.monotonic() < ends_at:
            time.sleep(0.1)

    def queue(self, organization_id: int) -> int:
        """Stage an import and queue its run; return its id."""
        self._number += 1
        people = [{"first_name": "A", "email": f"n{self._number}-{row}@acme.test"} for row in range(self._people)]
        document = {"data": {"type": "imports", "attributes": {"import_data": {"person": people}}}}
        status, created = self.request(organization_id, "POST", "imports", document)
        assert status == 201, created
        path = f"imports/{created['data']['id']}/import"
        status, queued = self.request(organization_id, "POST", path, Prefer="respond-async")
        assert status == 202, queued
        return int(created["data"]["id"])

    def ask(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return run(self.database, sql, arguments)

    def _manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, text=True, check=True
        ).stdout
