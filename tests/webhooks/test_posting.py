"""A webhook is one request to a checked address: it ends in time, follows nothing, and reads little."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from importsvc.webhooks.posting import Answer, Network, post
from tests.webhooks.receiver import (
    Respond,
    answer,
    drip,
    hang,
    receive,
    send_body,
    send_raw,
    trust_certificate,
)

LOCAL = Network(allow_private=True, timeout=5)
IN_TIME = Answer(None, "There was no response within 0.4 seconds")


def send(url: str, network: Network = LOCAL) -> Answer:
    return post(url, b'{"a": 1}', {"webhook-id": "msg_1"}, network=network)


def send_to(respond: Respond, *, timeout: float = 5) -> Answer:
    with receive(respond) as receiver:
        return send(receiver.url, Network(allow_private=True, timeout=timeout))


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_status_from_200_to_299_is_success(status: int) -> None:
    assert send_to(answer(status)) == Answer(status, None)


def test_the_receiver_gets_path_query_headers_and_body() -> None:
    with receive() as receiver:
        send(receiver.url)

    (received,) = receiver.received
    assert (received.path, received.body) == ("/hooks?a=b", b'{"a": 1}')
    assert received.headers == {
        "Host": f"127.0.0.1:{receiver.port}",
        "Accept-Encoding": "identity",
        "Content-Length": "8",
        "Connection": "close",
        "webhook-id": "msg_1",
    }


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b"", "The response has the status 400"),
        (404, b"No\n such\tpage", "The response has the status 404: No such page"),
        (500, b"\xff\x00\xed\xa0\x80", "The response has the status 500: �����"),
        (503, b"x" * 4000, f"The response has the status 503: {'x' * 100}…"),
    ],
)
def test_any_other_status_is_a_failure_with_the_beginning_of_the_body(status: int, body: bytes, error: str) -> None:
    assert send_to(answer(status, body)) == Answer(status, error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_not_followed(status: int) -> None:
    with receive() as other:
        found = send_to(answer(status, Location=other.url))

    assert found == Answer(status, f"The response has the status {status}, a redirect, which is not followed")
    assert other.received == []


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("120", 120), (" 5 ", 5), ("0", 0), ("9" * 50, 9_999_999_999), ("-1", None), ("soon", None), ("", None)],
)
def test_the_time_to_wait_is_read_in_seconds(written: str, seconds: float | None) -> None:
    assert send_to(answer(503, Retry_After=written)).retry_after == seconds


def test_the_time_to_wait_is_read_from_a_date() -> None:
    at = datetime.now(UTC) + timedelta(hours=1)

    found = send_to(answer(429, Retry_After=format_datetime(at, usegmt=True))).retry_after

    assert found is not None
    assert 3590 < found <= 3600


@pytest.mark.parametrize("status", [200, 500])
def test_of_a_hundred_megabytes_a_fraction_is_read(status: int) -> None:
    size = 100 * 2**20
    with receive(send_body(status, size)) as receiver:
        found = send(receiver.url)

    assert found.status == status
    # What the buffers of both sockets took.
    assert receiver.sent < size / 4


@pytest.mark.parametrize(
    "respond",
    [
        hang,
        drip(b""),
        drip(b"HTTP/1.1 200"),
        drip(b"HTTP/1.1 200 OK\r\n"),
        drip(b"HTTP/1.1 200 OK\r\nX: "),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.01),
    ],
)
def test_a_request_ends_in_time_whatever_the_receiver_does(respond: Respond) -> None:
    started = time.monotonic()

    found = send_to(respond, timeout=0.4)

    assert found == IN_TIME
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("status", [b"200 OK", b"500 Error"])
def test_a_body_without_an_end_does_not_extend_the_request(status: bytes) -> None:
    started = time.monotonic()

    found = send_to(drip(b"HTTP/1.1 " + status + b"\r\n\r\n"), timeout=0.4)

    assert found.status == int(status[:3])
    assert time.monotonic() - started < 1


def test_a_receiver_that_does_not_accept_connections_is_given_up_in_time() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))

        found = send(f"http://127.0.0.1:{port}/", Network(allow_private=True, timeout=0.4))

        for each in waiting:
            each.close()
    assert found == IN_TIME


def test_a_handshake_without_an_end_is_given_up_in_time() -> None:
    with receive(hang) as receiver:
        url = receiver.url.replace("http:", "https:")
        found = send(url, Network(allow_private=True, timeout=0.4))

    assert found.error is not None
    assert found.error.startswith(("There was no response within", "TLS failed"))


def test_a_lookup_that_took_all_the_time_is_not_followed_by_a_connection() -> None:
    def resolve(host: str, port: int) -> Sequence[str]:
        time.sleep(0.5)
        return ["127.0.0.1"]

    with receive() as receiver:
        found = send(receiver.url, Network(allow_private=True, timeout=0.4, resolve=resolve))

    assert found == IN_TIME
    assert receiver.received == []


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "The connection failed: closed by the receiver"),
        (b"220 mail.example.com ESMTP\r\n", "The response is not HTTP"),
        (b"HTTP/1.1 banana\r\n\r\n", "The response is not HTTP"),
        (b"HTTP/1.1 200 " + b"x" * 100_000, "The response is not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n", "The response is not HTTP"),
    ],
)
def test_a_response_that_is_not_http_is_a_failure(content: bytes, error: str) -> None:
    assert send_to(send_raw(content)) == Answer(None, error)


def test_a_closed_port_is_a_failure() -> None:
    with receive() as receiver:
        pass

    assert send(receiver.url) == Answer(None, "The connection failed: Connection refused")


def test_a_name_that_cannot_be_resolved_is_a_failure() -> None:
    def resolve(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    found = send("https://hooks.example.test/", Network(allow_private=False, resolve=resolve))

    assert found == Answer(None, "The host name cannot be resolved")


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("https://127.0.0.1/", "must not have a private address"),
        ("https://169.254.169.254/", "must not have a private address"),
        ("https://[::1]/", "must not have a private address"),
        ("https://0.0.0.0/", "must not have a private address"),
        ("https://2130706433/", "must have a host name, or an IP address in its usual form"),
        ("http://example.com/", "must begin with https://"),
    ],
)
def test_a_url_is_checked_again_before_it_is_sent_to(url: str, error: str) -> None:
    def resolve(host: str, port: int) -> Sequence[str]:
        raise AssertionError("there is nothing to resolve")

    assert send(url, Network(allow_private=False, resolve=resolve)) == Answer(None, f"The URL {error}")


class Rebinding:
    """A resolver whose response is another one each time."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return [self.answers.pop(0)]


def test_a_name_that_resolves_to_a_private_address_is_not_connected_to() -> None:
    with receive(tls=True) as receiver:
        resolve = Rebinding("127.0.0.1", "127.0.0.1")
        network = Network(allow_private=False, resolve=resolve, make_tls_context=trust_certificate)
        found = send(f"https://hooks.example.test:{receiver.port}/", network)

    assert found == Answer(None, "The URL must not lead to a private address")
    assert receiver.received == []


def test_a_name_is_resolved_once_and_the_connection_is_to_that_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the first response of the resolver is public, the second one is the loopback address."""
    resolve = Rebinding("93.184.216.34", "127.0.0.1")
    connected = []

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    # No public address can be reached from here; what is tested is which one would be.
    monkeypatch.setattr(socket, "create_connection", connect)
    network = Network(allow_private=False, resolve=resolve)

    found = send("https://hooks.example.test:8443/", network)

    assert found == Answer(None, "The connection failed: Connection refused")
    assert connected == [("93.184.216.34", 8443)]
    assert resolve.asked == [("hooks.example.test", 8443)]


def test_certificate_and_host_are_those_of_the_name_and_not_of_the_address() -> None:
    with receive(tls=True) as receiver:
        resolve = Rebinding("127.0.0.1")
        network = Network(allow_private=True, resolve=resolve, make_tls_context=trust_certificate, timeout=5)
        found = send(f"https://hooks.example.test:{receiver.port}/", network)

    assert found == Answer(204, None)
    assert receiver.received[0].headers["Host"] == f"hooks.example.test:{receiver.port}"


@pytest.mark.parametrize(
    ("host", "trust", "error"),
    [
        ("other.example.test", trust_certificate, "Hostname mismatch, certificate is not valid for"),
        ("127.0.0.1", trust_certificate, "IP address mismatch, certificate is not valid for"),
        ("hooks.example.test", ssl.create_default_context, "self-signed certificate"),
    ],
)
def test_a_certificate_of_another_name_or_without_trust_is_a_failure(
    host: str, trust: type[ssl.SSLContext], error: str
) -> None:
    with receive(tls=True) as receiver:
        network = Network(True, resolve=Rebinding("127.0.0.1"), make_tls_context=trust, timeout=5)
        found = send(f"https://{host}:{receiver.port}/", network)

    assert found.error is not None
    assert found.error.startswith(f"The certificate is not valid: {error}")
    assert receiver.received == []


def test_the_next_address_is_tried_if_one_cannot_be_connected_to() -> None:
    with receive() as receiver:
        network = Network(True, resolve=lambda host, port: ["127.0.0.2", "127.0.0.1"], timeout=5)
        found = send(receiver.url.replace("127.0.0.1", "hooks.example.test"), network)

    assert found == Answer(204, None)


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with receive() as proxy, receive() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        send(receiver.url)

    assert (len(proxy.received), len(receiver.received)) == (0, 1)
