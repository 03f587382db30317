"""Uploads to the running service: large ones, too large ones, and those that are cut off."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import psutil
import pytest

from importsvc.files.models import ImportFile, ImportFilePart
from people.services import NewOrganization
from tests.client import error_document
from tests.server.sockets import exchange
from tests.service import Service, run_service

pytestmark = pytest.mark.django_db(transaction=True)

MEGABYTE = 1 << 20
LIMIT = 48 * MEGABYTE
LINE = b"Ada;Lovelace;ada%09d@example.com;Countess;London\r\n"


@pytest.fixture
def service(acme: NewOrganization) -> Iterator[Service]:
    with run_service(THREADS="2", WORKERS="0", MAX_BODY_BYTES=str(LIMIT)) as running:
        running.send(acme, "POST", "import_files", b"a;b\n1;2\n", **{"Content-Type": "text/csv"})
        yield running


def write_lines(size: int) -> Iterator[bytes]:
    """A text of about this size, part by part."""
    yield b"First name;Last name;Email;Title;City\r\n"
    for start in range(0, size // len(LINE % 0), 10_000):
        yield b"".join(LINE % number for number in range(start, start + 10_000))


def measure_peak(service: Service) -> int:
    """The most memory that a process of the service has had so far, in bytes."""
    peaks = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("PORT") == str(service.port):
                with open(f"/proc/{process.pid}/status") as status:
                    peaks += [int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM")]
        except (psutil.Error, OSError):
            continue
    return max(peaks)


def head(acme: NewOrganization, length: int) -> bytes:
    return (
        "POST /api/v2/import_files HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
        f"X-Auth-Token: {acme.token}\r\nX-Organization-Id: {acme.organization.pk}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def test_the_memory_of_an_upload_does_not_grow_with_the_file(acme: NewOrganization, service: Service) -> None:
    before = measure_peak(service)

    reply = service.send(acme, "POST", "import_files", write_lines(40 * MEGABYTE), **{"Content-Type": "text/csv"})

    assert reply.status == 201, reply.content
    attributes = reply.document["data"]["attributes"]
    file = ImportFile.objects.get(pk=reply.document["data"]["id"])
    assert attributes["size"] == file.size > 40 * MEGABYTE
    assert ImportFilePart.objects.filter(import_file=file).count() == -(-file.size // MEGABYTE)
    assert measure_peak(service) - before < 25 * MEGABYTE


def test_an_upload_that_is_cut_off_or_too_large_leaves_nothing(acme: NewOrganization, service: Service) -> None:
    stored = ImportFile.objects.count()

    (cut_off,) = exchange(service.port, head(acme, 10 * MEGABYTE) + b"a;b\n" * MEGABYTE, then_closes=True)
    (of_form,) = exchange(
        service.port,
        head(acme, 10 * MEGABYTE).replace(b"text/csv", b"multipart/form-data; boundary=XX")
        + b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        + b"a;b\n" * MEGABYTE,
        then_closes=True,
    )

    for response in (cut_off, of_form):
        (error,) = response.document["errors"]
        assert (response.status, error["code"]) == (400, "bad_request")
        assert "before its Content-Length" in error["detail"] or "before the request body" in error["detail"]

    # The client has sent no byte of the body when it has the response.
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as client:
        client.sendall(head(acme, 2 << 30))
        began = time.monotonic()
        received = client.recv(65_536)
    assert time.monotonic() - began < 5
    assert received.startswith(b"HTTP/1.1 413 ")
    in_chunks = service.send(acme, "POST", "import_files", write_lines(LIMIT), **{"Content-Type": "text/csv"})
    assert (in_chunks.status, in_chunks.document["errors"][0]["code"]) == (413, "payload_too_large")
    assert in_chunks.document == error_document(413, "payload_too_large", "The request body is too large")

    assert ImportFile.objects.count() == stored
    assert ImportFilePart.objects.exclude(import_file__in=ImportFile.objects.all()).count() == 0
