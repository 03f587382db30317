"""The service as ``script/server`` runs it, and a client that asks it over one connection."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

# The settings that script/server serves with, and the same with the baselines' URLs.
PRODUCT = "importsvc.settings"
WITH_BASELINES = "benchmarks.settings"

PATIENCE_SECONDS = 900

MEDIA_TYPE = "application/vnd.api+json"

# gunicorn closes a connection that was idle for two seconds; before that we make a new one, outside of any clock.
IDLE_SECONDS = 1.0


@dataclass(frozen=True)
class Caller:
    """The person and organization of a request."""

    organization_id: int
    token: str

    @classmethod
    def of_demo(cls) -> Caller:
        """The demo's person, whom the first start of a service made, with a new token."""
        from importsvc.management.demo import EMAIL
        from people.models import Person
        from people.services import create_token

        person = Person.objects.get(email=EMAIL)
        return cls(person.organization_id, create_token(person=person))


class UnexpectedStatusError(Exception):
    """An answer is not what it should be; the message says what it is."""


class Client:
    """Asks as one person, over one connection that is kept between requests."""

    def __init__(self, port: int, caller: Caller) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        self._headers = {
            "X-Auth-Token": caller.token,
            "X-Organization-Id": str(caller.organization_id),
            "Accept": MEDIA_TYPE,
        }
        self._used_at = 0.0

    def time(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        status: int = 200,
        content_type: str = MEDIA_TYPE,
        prefer: str = "",
    ) -> tuple[float, bytes]:
        """Seconds from the request's first byte to the answer's last one, and the answer.

        ``content_type`` is that of the body, and ``prefer`` the header ``Prefer``.

        Raises:
            UnexpectedStatusError: it has another status.
        """
        self._ensure_connected()
        started = time.perf_counter()
        found, content = self._request(method, path, body, content_type, prefer)
        took = time.perf_counter() - started
        if found != status:
            raise UnexpectedStatusError(f"{method} {path}: {found} instead of {status}: {content[:1000]!r}")
        return took, content

    def request(self, method: str, path: str, *, timeout: float = PATIENCE_SECONDS) -> tuple[int, bytes]:
        """The status and the answer, whatever they are.

        Raises:
            TimeoutError: it took longer than so many seconds. The connection is closed.
        """
        self._connection.close()
        self._connection.timeout = timeout
        try:
            return self._request(method, path, None, MEDIA_TYPE)
        except TimeoutError:
            self._connection.close()
            raise
        finally:
            self._connection.timeout = PATIENCE_SECONDS

    def send(self, method: str, path: str, body: bytes | None = None, *, status: int = 200) -> Any:
        """The decoded answer."""
        return json.loads(self.time(method, path, body, status=status)[1])

    def close(self) -> None:
        """Close the connection; the next request makes another."""
        self._connection.close()

    def _request(
        self, method: str, path: str, body: bytes | None, content_type: str, prefer: str = ""
    ) -> tuple[int, bytes]:
        headers = {**self._headers, "Content-Type": content_type} if body else {**self._headers}
        if prefer:
            headers["Prefer"] = prefer
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        content = response.read()
        self._used_at = time.monotonic()
        return response.status, content

    def _ensure_connected(self) -> None:
        if time.monotonic() - self._used_at > IDLE_SECONDS:
            self._connection.close()
            self._connection.connect()


@dataclass(frozen=True)
class Service:
    """A running service."""

    port: int
    process: psutil.Process

    def worker_id(self) -> int:
        """The process id of its one worker, as soon as it has started."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            gunicorns = [process for process in self.process.children(recursive=True) if _is_gunicorn(process)]
            ids = {process.pid for process in gunicorns}
            if workers := [process.pid for process in gunicorns if process.ppid() in ids]:
                (worker,) = workers
                return int(worker)
            if time.monotonic() > deadline:
                raise SystemExit("The service has no worker")
            time.sleep(0.05)


@contextmanager
def run_service(settings_module: str, *, processes: int = 1, threads: int = 1, workers: int = 0) -> Iterator[Service]:
    """The service on a free port of its own; it has stopped when the block ends.

    It has answered nothing yet, and works on the database that the process has in ``VAR_DIR``.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": settings_module,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_CONCURRENCY": str(processes),
        "THREADS": str(threads),
        "WORKERS": str(workers),
    }
    environment.pop("PGAPPNAME", None)  # by which our own connections are known
    # A session of its own: Ctrl-C in the terminal reaches us, and we stop it.
    command = [sys.executable, "manage.py", "serve", "--demo"]
    root = Path(__file__).resolve().parent.parent
    process = subprocess.Popen(
        command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout
        while "Listening" not in process.stdout.readline():
            if process.poll() is not None:
                raise SystemExit("The service did not start")
        yield Service(port, psutil.Process(process.pid))
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    """Ask, ask again, which cuts off requests that run, and at last end it and all that it started."""
    children = []
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process(process.pid).children(recursive=True)
    for wait_seconds in (5, 15):
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(wait_seconds)
            return
    for started in children:
        if _is_gunicorn(started):
            with suppress(psutil.NoSuchProcess):
                started.kill()
    process.kill()
    process.wait()


def _is_gunicorn(process: psutil.Process) -> bool:
    try:
        return "gunicorn" in " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
