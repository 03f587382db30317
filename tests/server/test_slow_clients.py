"""Slow clients hold no thread, and are given up within seconds; slow uploads that go on are not."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from threading import Event

import pytest

from benchmarks.service import Caller
from benchmarks.slow_clients import keep_open, list_kinds
from importsvc.imports.models import Import
from importsvc.management.commands.serve import CONNECTIONS
from people.services import NewOrganization
from tests.client import error_document
from tests.server.sockets import Response, connect, read_responses, write_token
from tests.service import Service, run_service

pytestmark = pytest.mark.django_db(transaction=True)

POST = "POST /api/v2/imports HTTP/1.1\r\nHost: localhost\r\n"
UNAUTHENTICATED = error_document(401, "unauthenticated", "You are not authenticated")
TOO_SLOW = error_document(408, "request_timeout", "The request body came too slowly")

# Seconds within which a request gets its response, and slow clients are given up. Without limits neither would end.
PROMPT = 5.0
PATIENCE_SECONDS = 45.0


@pytest.fixture
def service(acme: NewOrganization, request: pytest.FixtureRequest) -> Iterator[Service]:
    """One process; the parameter is the number of its threads."""
    with run_service(THREADS=getattr(request, "param", "4"), WORKERS="0") as running:
        running.send(acme, "GET", "imports")
        yield running


def test_twenty_slow_clients_of_each_kind_at_once_keep_no_request_waiting(
    acme: NewOrganization, service: Service
) -> None:
    with ExitStack() as stack:
        for kind in list_kinds(Caller(acme.organization.pk, acme.token)):
            stack.enter_context(keep_open(service.port, kind, 20))
        time.sleep(1)
        replies = [service.send(acme, "GET", "imports") for _ in range(50)]

    assert {reply.status for reply in replies} == {200}
    assert max(reply.seconds for reply in replies) < PROMPT


def test_more_silent_clients_than_there_are_places_keep_no_request_waiting(
    acme: NewOrganization, service: Service
) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(connect(service.port)) for _ in range(CONNECTIONS + 20)]
        reply = service.send(acme, "GET", "imports")

        assert (reply.status, reply.seconds < PROMPT) == (200, True)
        # The first ones have made way for the last ones.
        assert [client.recv(1) for client in silent[:10]] == [b""] * 10
        silent[-1].setblocking(False)
        with pytest.raises(BlockingIOError):
            silent[-1].recv(1)


def drip(port: int, start: str, *, each: bytes = b"") -> tuple[float, list[Response]]:
    """Send this and then ``each``, every second; the seconds until the connection is closed, and the responses."""
    began, is_over = time.monotonic(), Event()
    with connect(port) as client, ThreadPoolExecutor(1) as pool:
        client.sendall(start.encode())
        receiving = pool.submit(read_responses, client)
        receiving.add_done_callback(lambda _: is_over.set())
        while each and not is_over.wait(1):
            try:
                client.sendall(each)
            except OSError:
                break
        return time.monotonic() - began, receiving.result(PATIENCE_SECONDS)


def upload_slowly(port: int, caller: NewOrganization) -> list[Response]:
    """Send a body of 330,000 bytes in eleven seconds."""
    document = {"data": {"type": "imports", "attributes": {"import_data": {"company": [{"name": "Blues"}]}}}}
    body = json.dumps({**document, "meta": "x" * 330_000}).encode()
    with connect(port) as client:
        client.sendall(f"{POST}{write_token(caller)}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        for start in range(0, len(body), 15_000):
            client.sendall(body[start : start + 15_000])
            time.sleep(0.5)
        return read_responses(client)


# So many threads that all of them get slots.
@pytest.mark.parametrize("service", ["16"], indirect=True)
def test_slow_clients_are_given_up_within_seconds_and_a_slow_upload_is_not(
    acme: NewOrganization, globex: NewOrganization, service: Service
) -> None:
    token = write_token(acme)
    cases = [
        ("", b"", []),
        (POST, b"", []),
        (f"{POST}X-Slow: ", b"x", []),
        (f"{POST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"", [UNAUTHENTICATED]),
        (f"{POST}{token}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"", [TOO_SLOW]),
        (f"{POST}{token}Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", [TOO_SLOW]),
        (f"{POST}Content-Length: 1000000\r\n\r\n", b"x", [UNAUTHENTICATED]),
        (f"{POST}Content-Length: 1000\r\n\r\n", b"x", [UNAUTHENTICATED]),
        (f"{POST}{token}Content-Length: 1000\r\n\r\n{{", b" ", [TOO_SLOW]),
    ]
    with ThreadPoolExecutor(len(cases) + 1) as pool:
        uploading = pool.submit(upload_slowly, service.port, globex)
        dripping = [pool.submit(drip, service.port, start, each=each) for start, each, _ in cases]

        for (start, _, documents), future in zip(cases, dripping, strict=True):
            seconds, responses = future.result()
            assert [response.document for response in responses] == documents, start
            assert seconds < PATIENCE_SECONDS
        (uploaded,) = uploading.result()

    assert uploaded.status == 201
    assert Import.objects.count() == 1


def test_the_token_is_checked_before_a_chunked_body_is_read(service: Service) -> None:
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    with connect(service.port) as client:
        client.sendall(f"{POST}Transfer-Encoding: chunked\r\n\r\n".encode())
        client.setblocking(False)
        response, sent = b"", 0
        # As curl does: it looks for a response while it sends.
        while not response and sent < 276_000_000:
            with suppress(BlockingIOError):
                sent += client.send(chunk)
            with suppress(BlockingIOError):
                response = client.recv(65536)

    assert response.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert b"\r\nConnection: close\r\n" in response
    assert sent < 276_000_000


def test_a_client_that_does_not_read_its_responses_is_disconnected(acme: NewOrganization, service: Service) -> None:
    request = f"GET /api/v2/nothing HTTP/1.1\r\nHost: localhost\r\nX: {'x' * 5000}\r\n\r\n".encode()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE_SECONDS)
        client.connect(("127.0.0.1", service.port))
        with pytest.raises(ConnectionError):  # noqa: PT012
            while True:
                client.sendall(request)
    assert service.send(acme, "GET", "imports").seconds < PROMPT
