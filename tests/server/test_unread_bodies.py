"""A client whose body is not read gets the response, and its connection is closed; other connections stay open."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator

import pytest

from people.services import NewOrganization
from tests.client import error_document
from tests.service import Service, run_service

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("unread_bodies")]

MEGABYTE = 1 << 20
UNAUTHENTICATED = error_document(401, "unauthenticated", "You are not authenticated")
TOO_LARGE = error_document(413, "payload_too_large", f"The request body is larger than {MEGABYTE} bytes")


@pytest.fixture(scope="module")
def running(django_db_setup: None) -> Iterator[Service]:
    with run_service(THREADS="2", WORKERS="0", MAX_BODY_BYTES=str(MEGABYTE)) as running:
        yield running


@pytest.fixture
def service(running: Service, acme: NewOrganization) -> Service:
    running.send(acme, "GET", "imports")
    return running


def send_slowly(seconds: float) -> Iterator[bytes]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield b"x" * 100_000
        time.sleep(0.05)


def test_a_large_body_that_is_not_read_is_sent_in_vain_and_the_response_arrives(
    acme: NewOrganization, service: Service
) -> None:
    for body in (b"x" * (50 * MEGABYTE), iter([b"x" * MEGABYTE] * 50)):
        refused = service.send(acme, "POST", "imports", body, **{"X-Auth-Token": "banana"})

        assert (refused.status, refused.document) == (401, UNAUTHENTICATED)
        assert refused.headers["Connection"] == "close"

    too_large = service.send(acme, "POST", "imports", b"x" * (50 * MEGABYTE))
    assert (too_large.status, too_large.document) == (413, TOO_LARGE)


def test_a_client_that_goes_on_sending_is_cut_off_after_a_second(acme: NewOrganization, service: Service) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as client:
        client.sendall(b"POST /api/v2/imports HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{")
        began = time.monotonic()
        response = b""
        with pytest.raises(ConnectionError):  # noqa: PT012
            while time.monotonic() < began + 20:
                client.sendall(b"x")
                time.sleep(0.05)
                if not response:
                    response = client.recv(10_000)

    assert response.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert 0.5 < time.monotonic() - began < 3
    # Neither of the two threads, nor the one that accepts connections, waits for it any longer.
    assert service.send(acme, "GET", "imports").seconds < 1


def test_a_connection_is_kept_after_a_body_that_was_read_or_is_short(acme: NewOrganization, service: Service) -> None:
    client = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    headers = {"Content-Type": "application/vnd.api+json"}
    own = {**headers, "X-Auth-Token": acme.token, "X-Organization-Id": str(acme.organization.pk)}
    large = b'{"data": {"type": "imports"}, "meta": "' + b"x" * 500_000 + b'"}'

    for sent, body, status in ((headers, b"{" * 30_000, 401), (own, large, 422), (own, b"{}", 400)):
        client.request("POST", "/api/v2/imports", body, sent)
        response = client.getresponse()
        response.read()

        assert response.status == status
        assert response.headers["Connection"] == "keep-alive"
    client.close()
