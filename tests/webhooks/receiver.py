"""A receiver of webhooks: an HTTP server in a thread, which verifies signatures with ``standardwebhooks``."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

# A self-signed certificate of hooks.example.test, for the tests only.
CERTIFICATES = Path(__file__).parent / "certificates"

Respond = Callable[["Handler"], None]


@dataclass(frozen=True)
class Received:
    """A request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def verify(self, secret: str) -> Any:
        """The body as JSON; raises an exception if the signature is not valid."""
        return Webhook(secret).verify(self.body, dict(self.headers))


@dataclass
class Receiver:
    """What a server received, and how it responds.

    Attributes:
        respond: to the next requests.
        first: responses to the first requests, before ``respond``.
        sent: the number of bytes of bodies that ``send_body`` could write.
    """

    respond: Respond
    port: int = 0
    scheme: str = "http"
    first: list[Respond] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    sent: int = 0
    is_closing: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """The URL of an endpoint."""
        return f"{self.scheme}://127.0.0.1:{self.port}/hooks?a=b"

    @property
    def ids(self) -> list[str]:
        """The ids of the received events, in order."""
        return [each.headers["webhook-id"] for each in self.received]


class Handler(BaseHTTPRequestHandler):
    """Reads a request and lets the receiver respond."""

    receiver: Receiver

    def do_POST(self) -> None:
        """Any webhook."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.receiver.received.append(Received(self.path, dict(self.headers), body))
        respond = self.receiver.first.pop(0) if self.receiver.first else self.receiver.respond
        try:
            respond(self)
        except OSError:  # the client has closed the connection
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class Server(ThreadingHTTPServer):
    """Ends without waiting for requests that hang."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: clients close connections as they like."""


def answer(status: int, body: bytes = b"", **headers: str) -> Respond:
    """A complete response. ``Retry_After`` is the header ``Retry-After``."""

    def respond(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return respond


ACCEPT = answer(204)


def send_body(status: int, size: int) -> Respond:
    """A response with a large body, written as long as the client reads."""

    def respond(handler: Handler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        while handler.receiver.sent < size:
            handler.wfile.write(b"x" * 65_536)
            handler.receiver.sent += 65_536

    return respond


def send_raw(content: bytes) -> Respond:
    """Anything instead of a response."""

    def respond(handler: Handler) -> None:
        handler.wfile.write(content)
        handler.close_connection = True

    return respond


def drip(start: bytes, content: bytes = b"x", *, pause: float = 0.05) -> Respond:
    """The start of a response, and then a little more again and again."""

    def respond(handler: Handler) -> None:
        handler.wfile.write(start)
        while not handler.receiver.is_closing.wait(pause):
            handler.wfile.write(content)

    return respond


def hang(handler: Handler) -> None:
    """No response."""
    handler.receiver.is_closing.wait(60)


def take(seconds: float) -> Respond:
    """A successful response after some time."""

    def respond(handler: Handler) -> None:
        time.sleep(seconds)
        ACCEPT(handler)

    return respond


@contextmanager
def receive(respond: Respond = ACCEPT, *, port: int = 0, tls: bool = False) -> Iterator[Receiver]:
    """A receiver on the loopback address, at a free port unless one is given."""
    receiver = Receiver(respond, scheme="https" if tls else "http")
    server = Server(("127.0.0.1", port), type("Handler", (Handler,), {"receiver": receiver}))
    receiver.port = server.server_address[1]
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATES / "certificate.pem", CERTIFICATES / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.is_closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def trust_certificate() -> ssl.SSLContext:
    """TLS settings of a client that trusts the certificate of the tests."""
    return ssl.create_default_context(cafile=str(CERTIFICATES / "certificate.pem"))
