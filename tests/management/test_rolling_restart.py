"""Two nodes behind nginx are restarted one after the other under load, and no request fails."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from django.conf import settings

from people.services import NewOrganization
from tests.client import CONTENT_TYPE, error_document
from tests.command_line import describe_database
from tests.management.load import Load, Request
from tests.operations.workers import wait_until
from tests.ports import find_port
from tests.service import PATIENCE_SECONDS, Reply, Service

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(NGINX is None, reason="needs nginx: apt install nginx"),
]

# With some seconds of work, so that nodes stop while they do it.
ROWS = ",".join(f'{{"first_name": "Person {number}"}}' for number in range(4_000))
IMPORT = f'{{"data": {{"type": "imports", "attributes": {{"import_data": {{"person": [{ROWS}]}}}}}}}}'.encode()


class Node:
    """A node of the service on a port that stays its own."""

    def __init__(self) -> None:
        self.port = find_port()
        self.start()

    def start(self) -> None:
        """Start it; it serves when this returns."""
        environment = {**os.environ, "PORT": str(self.port), "DATABASE_URL": describe_database(), "WORKERS": "0"}
        environment["WEB_CONCURRENCY"] = "1"
        command = [sys.executable, "manage.py", "serve", "--no-migrate", "--no-demo"]
        self.process = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        wait_until(self._responds)

    def _responds(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/health/ready") as response:
                return bool(response.status == 200)
        except OSError:
            assert self.process.poll() is None
            return False

    def stop(self) -> int:
        """Stop it, and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)


@contextmanager
def nginx(*nodes: Node) -> Iterator[Service]:
    """nginx with the configuration of the project, in front of the nodes, without TLS."""
    port = find_port()
    with tempfile.TemporaryDirectory(prefix="importsvc-") as folder:
        Path(folder).chmod(0o755)
        site = (settings.BASE_DIR / "deploy" / "nginx.conf").read_text()
        (server,) = re.findall(r"^ *server 127\.0\.0\.1:8000.*$", site, re.MULTILINE)
        server_of_test = server.replace("fail_timeout=2s", "fail_timeout=1s")
        servers = [server_of_test.replace("8000", str(node.port)) for node in nodes]
        site = site.replace(server, "\n".join(servers)).replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
        site = re.sub(r"^ *ssl_.*$", "", site, flags=re.MULTILINE)
        temporary = "".join(
            f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (Path(folder) / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 2;\n"
            f"events {{}}\nhttp {{ access_log off; {temporary}\n{site}\n}}\n"
        )
        assert NGINX
        process = subprocess.Popen([NGINX, "-p", folder, "-c", f"{folder}/nginx.conf"], stderr=subprocess.DEVNULL)
        try:
            wait_until((Path(folder) / "pid").exists)
            yield Service(port)
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(PATIENCE_SECONDS)


class RestartLoad(Load):
    """Five clients; ``replies`` are all responses, with the status 0 for a connection that failed."""

    def __init__(self, service: Service, caller: NewOrganization) -> None:
        reads: list[Request] = [("GET", "imports", None), ("GET", "people", None)]
        super().__init__(service, caller, [*reads, ("POST", "imports", IMPORT), *reads])

    def wait_for(self, count: int) -> None:
        """Wait for so many further responses."""
        before = len(self.replies)
        wait_until(lambda: len(self.replies) >= before + count)

    def record_failure(self, error: OSError) -> bool:
        """Keep the error as a response, and go on."""
        self.record(Reply(0, {}, repr(error).encode(), 0))
        return True


def test_a_rolling_restart_of_two_nodes_fails_no_request(acme: NewOrganization) -> None:
    first, second = Node(), Node()
    codes = []
    try:
        with nginx(first, second) as service:
            load = RestartLoad(service, acme)
            with load.run():
                for node in (first, second):
                    load.wait_for(50)
                    codes.append(node.stop())
                    load.wait_for(50)
                    node.start()
                    time.sleep(1.5)  # nginx tries a node again after a second
                load.wait_for(50)
            # What nginx refuses by itself is a document.
            large = service.send(acme, "POST", "imports", None, **{"Content-Length": str(300 << 20)})
            codes += [node.stop() for node in (first, second)]
            unserved = service.send(acme, "GET", "imports")
    finally:
        for node in (first, second):
            node.process.kill()
            node.process.wait()

    failed = [reply for reply in load.replies if reply.status not in (200, 201)]
    assert failed == []
    assert codes == [0, 0, 0, 0]
    assert Counter(reply.status for reply in load.replies)[201] > 0
    assert large.document == error_document(413, "payload_too_large", "The request body is too large")
    detail = "The service does not respond at this moment; try again later"
    assert unserved.document == error_document(503, "service_unavailable", detail)
    assert (large.status, unserved.status, unserved.headers["Retry-After"]) == (413, 503, "5")
    assert large.headers["Content-Type"] == unserved.headers["Content-Type"] == CONTENT_TYPE
