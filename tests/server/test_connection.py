"""A request is handed over when a thread can handle it without waiting for the client, and not before."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine

from importsvc.http import SMALL_BODY_BYTES
from importsvc.server import connection as module
from importsvc.server.connection import HEAD_BYTES, Connection, is_body_left, settle_chunked_body

LINE = b"POST / HTTP/1.1\r\n"
HEAD = LINE + b"Host: localhost\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Pair:
    """A client's socket, and the connection that it has with the service."""

    def __init__(self) -> None:
        self.client, accepted = socket.socketpair()
        self.client.settimeout(30)
        config = Config()
        config.set("limit_request_line", 0)
        self.connection = Connection(config, accepted, ("127.0.0.1", 1), ("127.0.0.1", 2))

    def send(self, content: bytes) -> bool:
        """Send this, and receive as much as there is; whether the request can be handled."""
        self.client.sendall(content)
        is_ready = False
        while not is_ready:
            try:
                is_ready = self.connection.receive()
            except BlockingIOError:
                break
        return is_ready

    def parse(self) -> Any:
        """The request as a thread gets it."""
        self.connection.hand_over()
        request = next(self.connection.parser)
        settle_chunked_body(request, self.connection.unreader)
        return request

    def close(self) -> None:
        """Close both ends."""
        self.client.close()
        self.connection.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b""),
        (b"\r\nGET / HTTP/1.1\r\n\r\n", b""),
        (HEAD + b"\r\n", b""),
        (HEAD + b"Content-Length: 0\r\n\r\n", b""),
        (HEAD + b"Content-Length: 5\r\n\r\nhello", b"hello"),
        (HEAD + b"CONTENT-length:\t 5 \r\nX: y\r\n\r\nhello", b"hello"),
        (CHUNKED + b"0\r\n\r\n", b""),
        (CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (CHUNKED + b"5;a=b\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"hello world"),
        (CHUNKED + b"5\r\nhello\r\n000;a\r\nX: y\r\nY: z\r\n\r\n", b"hello"),
    ],
)
def test_a_request_can_be_handled_with_its_last_byte_and_not_before(pair: Pair, sent: bytes, body: bytes) -> None:
    assert [pair.send(sent[at : at + 1]) for at in range(len(sent))] == [False] * (len(sent) - 1) + [True]

    request = pair.parse()
    assert request.body.read() == body
    assert not is_body_left(request)
    assert dict(request.headers).get("CONTENT-LENGTH", "0") == str(len(body))


@pytest.mark.parametrize("size", [SMALL_BODY_BYTES - 1, SMALL_BODY_BYTES])
def test_a_small_body_is_received_as_a_whole(pair: Pair, size: int) -> None:
    head = HEAD + f"Content-Length: {size}\r\n\r\n".encode()

    assert not pair.send(head)
    assert not pair.send(b"x" * (size - 1))
    assert pair.send(b"x")


def test_a_large_body_is_not_waited_for(pair: Pair) -> None:
    assert pair.send(HEAD + f"Content-Length: {SMALL_BODY_BYTES + 1}\r\n\r\n".encode())

    assert is_body_left(pair.parse())


def test_of_a_large_chunked_body_the_start_is_received(pair: Pair) -> None:
    assert not pair.send(CHUNKED + b"100000\r\n")
    assert not pair.send(b"x" * (SMALL_BODY_BYTES - 10))
    assert pair.send(b"x" * 10)

    request = pair.parse()
    assert "CONTENT-LENGTH" not in dict(request.headers)
    assert is_body_left(request)


def test_bytes_that_look_like_the_last_chunk_do_not_end_a_body(pair: Pair) -> None:
    sent = CHUNKED + b"10\r\n\r\n"
    assert pair.send(sent)

    request = pair.parse()
    pair.client.sendall(b"3456789abcdef!\r\n0\r\n\r\n")
    assert request.body.read() == b"\r\n3456789abcdef!"
    assert not is_body_left(request)


def test_requests_that_are_sent_together_are_handled_one_after_the_other(pair: Pair) -> None:
    bodies = [b"one", b"two", b"three"]
    heads = [HEAD + b"Content-Length: 3\r\n\r\n", CHUNKED + b"3\r\n", HEAD + b"Content-Length: 5\r\n\r\n"]
    ends = [b"", b"\r\n0\r\n\r\n", b""]
    parts = [head + body + end for head, body, end in zip(heads, bodies, ends, strict=True)]

    assert pair.send(b"".join(parts)[:-1])
    read = [pair.parse().body.read()]
    assert pair.connection.begin_next()
    read.append(pair.parse().body.read())
    assert not pair.connection.begin_next()
    assert not pair.connection.is_idle
    pair.connection.sock.setblocking(False)
    assert pair.send(parts[-1][-1:])
    read.append(pair.parse().body.read())
    assert read == bodies
    assert not pair.connection.begin_next()
    assert pair.connection.is_idle


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"GET /" + b"x" * HEAD_BYTES, LimitRequestLine),
        (b"GET /" + b"x" * HEAD_BYTES + b" HTTP/1.1\r\n\r\n", LimitRequestLine),
        (HEAD + b"X: " + b"x" * HEAD_BYTES, LimitRequestHeaders),
        (HEAD + b"X: y\r\n" * (HEAD_BYTES // 6) + b"\r\n", LimitRequestHeaders),
    ],
)
def test_a_head_over_the_limit_is_refused(pair: Pair, sent: bytes, error: type[Exception]) -> None:
    assert pair.send(sent)

    with pytest.raises(error):
        pair.parse()


def test_a_client_that_waits_is_asked_for_a_small_body_at_once(pair: Pair) -> None:
    assert not pair.send(HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")

    assert pair.client.recv(100) == CONTINUE
    assert pair.send(b"hello")
    assert pair.parse().body.read() == b"hello"


def test_a_client_that_waits_is_asked_for_a_large_body_when_that_is_read(pair: Pair) -> None:
    size = SMALL_BODY_BYTES + 1
    assert pair.send(HEAD + f"Expect: 100-continue\r\nContent-Length: {size}\r\n\r\n".encode())
    request = pair.parse()
    pair.client.setblocking(False)
    with pytest.raises(BlockingIOError):
        pair.client.recv(100)
    pair.client.settimeout(30)

    def send() -> None:
        assert pair.client.recv(100) == CONTINUE
        pair.client.sendall(b"x" * size)

    sender = Thread(target=send)
    sender.start()
    assert request.body.read() == b"x" * size
    sender.join()


def test_the_end_of_a_connection_ends_a_head_and_hands_over_a_body(pair: Pair) -> None:
    assert not pair.send(HEAD + b"Content-Length: 5\r\n\r\nhel")
    pair.client.shutdown(socket.SHUT_WR)
    assert pair.connection.receive()
    assert pair.parse().body.read() == b"hel"

    other = Pair()
    assert not other.send(HEAD)
    other.client.shutdown(socket.SHUT_WR)
    with pytest.raises(ConnectionResetError):
        other.connection.receive()
    other.close()


def test_a_client_that_does_not_read_is_noticed(pair: Pair) -> None:
    assert pair.connection.can_send()
    sent = 0
    with suppress(BlockingIOError):
        while True:
            sent += pair.connection.sock.send(b"x" * 1000)

    assert not pair.connection.can_send()
    while sent:
        sent -= len(pair.client.recv(1_000_000))
    assert pair.connection.can_send()


def test_a_client_that_is_silent_for_too_long_is_given_up(pair: Pair) -> None:
    assert pair.send(HEAD + b"Content-Length: 1000000\r\n\r\nhello")
    pair.connection.hand_over(patience=0.2)
    body = next(pair.connection.parser).body

    with pytest.raises(TimeoutError):
        body.read(1000)
    assert body.failed


def test_a_client_that_sends_a_byte_now_and_then_is_given_up(pair: Pair) -> None:
    assert pair.send(HEAD + b"Content-Length: 1000000\r\n\r\n")
    pair.connection.hand_over(patience=0.5)
    body = next(pair.connection.parser).body
    is_over = False

    def send() -> None:
        while not is_over:
            pair.client.sendall(b"x")
            time.sleep(0.02)

    sender = Thread(target=send)
    sender.start()
    with pytest.raises(TimeoutError):
        body.read(100_000)
    is_over = True
    sender.join()


def test_a_slow_client_that_keeps_the_least_rate_is_never_given_up(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    # Three seconds of patience, and a client that takes longer and sends twice as fast as it has to.
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 3.0)
    part, parts = b"x" * 2000, 40
    assert pair.send(HEAD + f"Content-Length: {len(part) * parts + SMALL_BODY_BYTES}\r\n\r\n".encode())
    pair.connection.hand_over(patience=3.0)
    body = next(pair.connection.parser).body

    def send() -> None:
        for _ in range(parts):
            pair.client.sendall(part)
            time.sleep(0.1)

    sender = Thread(target=send)
    sender.start()
    assert body.read(len(part) * parts) == part * parts
    sender.join()
