"""The service as ``manage.py serve`` runs it, on the test's database, and clients of it; needs committed data."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpResponse

from importsvc.postgres.embedded import PROGRAMS
from people.services import NewOrganization
from tests.client import MEDIA_TYPE
from tests.command_line import describe_database
from tests.openapi.description import check_response
from tests.ports import find_port

PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Received:
    """A response."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def document(self) -> Any:
        """The document, with the order of its members."""
        return json.loads(self.content)


@dataclass(frozen=True)
class Reply(Received):
    """A response, and the seconds that it took."""

    seconds: float


@dataclass(frozen=True)
class Service:
    """A running service."""

    port: int

    def send(
        self,
        caller: NewOrganization,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        **headers: str,
    ) -> Reply:
        """A request of a person, over a connection of its own. An iterator is sent in chunks.

        The response must be one that the description has.
        """
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        sent = {
            "X-Auth-Token": caller.token,
            "X-Organization-Id": str(caller.organization.pk),
            "Content-Type": MEDIA_TYPE,
            **headers,
        }
        began = time.monotonic()
        try:
            client.request(method, f"/api/v2/{path}", body, sent, encode_chunked=not isinstance(body, bytes | None))
            response = client.getresponse()
            content = response.read()
        finally:
            client.close()
        reply = Reply(response.status, dict(response.getheaders()), content, time.monotonic() - began)
        described = HttpResponse(content, status=reply.status, headers=reply.headers)
        check_response(method, path, described)
        return reply


@contextmanager
def run_service(*options: str, **environment: str) -> Iterator[Service]:
    """The service with these options and settings, on a free port; it has stopped at the end of the block.

    One process handles requests unless ``WEB_CONCURRENCY`` is given: each takes more than a second of a core to start.
    """
    port = find_port()
    own = {"PORT": str(port), "WEB_CONCURRENCY": "1", "DATABASE_URL": describe_database()}
    command = [sys.executable, "manage.py", "serve", *options]
    with subprocess.Popen(
        command,
        cwd=settings.BASE_DIR,
        env={**os.environ, **own, **environment},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        try:
            while "Listening at" not in (line := process.stdout.readline()):
                assert line, f"ended with {process.wait()}"
            yield Service(port)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGTERM)  # cuts off requests that still run
                process.wait(PATIENCE_SECONDS)


@contextmanager
def psql(statement: str) -> Iterator[None]:
    """A session of psql in whose open transaction the statement was run."""
    given = connection.get_connection_params()
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    environment = {names[name]: str(given[name]) for name in names if name in given}
    command = [str(PROGRAMS / "psql"), "--quiet", "--tuples-only", "--no-psqlrc", "--set=ON_ERROR_STOP=1"]
    with subprocess.Popen(
        command, env={**environment, "LC_ALL": "C"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"BEGIN;\n{statement};\n\\echo done\n")
        process.stdin.flush()
        while process.stdout.readline() != "done\n":
            assert process.poll() is None, "psql ended"
        yield
        process.stdin.close()
