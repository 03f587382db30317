"""Sentry gets errors and OpenTelemetry gets traces, without a value of a row, a token or an address."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from importsvc.operations.models import Kind
from people.services import NewOrganization
from tests.command_line import get_environment
from tests.operations.queueing import create, queue
from tests.operations.workers import wait_until
from tests.service import Service, run_service

pytest.importorskip("sentry_sdk", reason="needs requirements-sentry.txt")
pytest.importorskip("opentelemetry.sdk", reason="needs requirements-opentelemetry.txt")

ROWS = {"company": [{"name": "Hidden Ltd"}], "person": [{"First Name": "Hedy", "Email": "hedy@hidden.test"}]}
FORBID = "ALTER TABLE people_person ADD CONSTRAINT not_hedy CHECK (first_name <> 'Hedy') NOT VALID"
ALLOW = "ALTER TABLE people_person DROP CONSTRAINT not_hedy"


class Receiver:
    """A server that takes what is posted to it.

    Attributes:
        url: of it.
        bodies: what was posted, by path.
    """

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver.bodies.append((self.path, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """No line."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"

    def read(self) -> bytes:
        """All that was posted."""
        return b"\n".join(body for _, body in self.bodies)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever)
    thread.start()
    yield receiver
    receiver.server.shutdown()
    thread.join()
    receiver.server.server_close()


@contextmanager
def failing_imports() -> Iterator[None]:
    """PostgreSQL refuses a row, and quotes all of it."""
    with connection.cursor() as cursor:
        cursor.execute(FORBID)
        try:
            yield
        finally:
            cursor.execute(ALLOW)


def run_import(service: Service, caller: NewOrganization) -> int:
    """Send an import with a secret in each part of the request; returns the status of its run."""
    document = {"data": {"type": "imports", "attributes": {"import_data": ROWS}}}
    created = service.send(caller, "POST", "imports", json.dumps(document).encode())
    import_id = created.document["data"]["id"]
    return service.send(caller, "POST", f"imports/{import_id}/import").status


def assert_nothing_secret(sent: bytes, caller: NewOrganization) -> None:
    for secret in ("Hedy", "hidden.test", "Hidden", caller.token, "ada@acme.test"):
        assert secret.encode() not in sent


def read_events(receiver: Receiver) -> list[dict[str, Any]]:
    """The events in envelopes: a line of JSON of the envelope, one of the item, and the item."""
    events = []
    for path, body in receiver.bodies:
        assert path == "/api/1/envelope/"
        lines = body.splitlines()
        events += [json.loads(item) for head, item in zip(lines[1::2], lines[2::2], strict=True) if b'"event"' in head]
    return events


@pytest.mark.django_db(transaction=True)
@pytest.mark.one_server("a refusal by a node has no code, so that it is a conflict")
def test_sentry_gets_an_error_with_its_frames_and_ids_only(acme: NewOrganization, receiver: Receiver) -> None:
    with run_service(SENTRY_DSN=f"http://key@{receiver.address}/1", WORKERS="0") as service, failing_imports():
        assert run_import(service, acme) == 500
        wait_until(lambda: bool(read_events(receiver)))

    (event,) = read_events(receiver)
    assert_nothing_secret(receiver.read(), acme)
    assert {"request", "user", "breadcrumbs", "extra", "modules", "contexts"} & set(event) == set()
    assert event["tags"]["organization"] == str(acme.organization.pk)
    described = [value["value"] for value in event["exception"]["values"]]
    assert "psycopg2.errors.CheckViolation: sqlstate 23514, table people_person, constraint not_hedy" in described
    frames = [frame["function"] for value in event["exception"]["values"] for frame in value["stacktrace"]["frames"]]
    assert "copy_rows" in frames
    assert not any("vars" in frame for value in event["exception"]["values"] for frame in value["stacktrace"]["frames"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.one_server("a refusal by a node has no code, so that it is a conflict")
def test_opentelemetry_gets_requests_and_statements_without_values(acme: NewOrganization, receiver: Receiver) -> None:
    url = f"http://{receiver.address}"
    with run_service(OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_BSP_SCHEDULE_DELAY="100", WORKERS="0") as service:
        with failing_imports():
            assert run_import(service, acme) == 500
        assert service.send(acme, "GET", "people?filter%5Bemail%5D=hedy@hidden.test").status == 200
        wait_until(lambda: b"api/v2/people" in receiver.read())

    assert {path for path, _ in receiver.bodies} == {"/v1/traces"}
    sent = receiver.read()
    assert_nothing_secret(sent, acme)
    for expected in (b"importsvc", b"http.route", b"POST api/v2/imports", b'FROM "people_person"'):
        assert expected in sent


@pytest.mark.one_server("a refusal by a node has no code, so that it is a conflict")
@pytest.mark.django_db(transaction=True)
def test_workers_report_as_well(acme: NewOrganization, receiver: Receiver) -> None:
    operation = queue(acme, Kind.IMPORT, create(acme, ROWS))
    with failing_imports(), run_service(SENTRY_DSN=f"http://key@{receiver.address}/1", WORKERS="1"):
        wait_until(lambda: bool(read_events(receiver)))

    event = read_events(receiver)[0]
    assert event["logentry"]["message"] == "%s has ended with an exception, and nothing was changed"
    assert_nothing_secret(receiver.read(), acme)
    assert operation.pk


@pytest.mark.parametrize(
    ("variable", "value", "package", "requirements"),
    [
        ("SENTRY_DSN", "https://key@host/1", "sentry_sdk", "requirements-sentry.txt"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://host", "opentelemetry", "requirements-opentelemetry.txt"),
    ],
)
def test_what_is_configured_and_not_installed_is_named(
    tmp_path: Path, acme: NewOrganization, variable: str, value: str, package: str, requirements: str
) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; import importsvc.wsgi"
    environment = {**get_environment(), "DJANGO_SETTINGS_MODULE": "importsvc.settings", variable: value}

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True
    )

    sentence = f"{variable} needs the packages of {requirements}: pip install -r {requirements}\n"
    assert (done.returncode, done.stderr) == (3, sentence)


def test_without_them_their_packages_are_not_loaded() -> None:
    code = (
        "import sys, importsvc.wsgi; names = 'sentry_sdk', 'opentelemetry', 'prometheus_client', 'redis'\n"
        "print([name for name in names if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=settings.BASE_DIR, capture_output=True, text=True)

    assert done.stdout == "[]\n", done.stderr
