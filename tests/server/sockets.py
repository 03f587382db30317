"""Requests as bytes on a connection."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass

from people.services import NewOrganization
from tests.service import Received

PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Response(Received):
    """A response, and what follows it on the connection."""

    rest: bytes


def write_token(caller: NewOrganization) -> str:
    """The lines of the head that authenticate a request with a document."""
    return (
        f"X-Auth-Token: {caller.token}\r\nX-Organization-Id: {caller.organization.pk}\r\n"
        "Content-Type: application/vnd.api+json\r\n"
    )


def connect(port: int) -> socket.socket:
    """A connection on which every wait ends."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)


def exchange(port: int, sent: str | bytes, *, then_closes: bool = False) -> list[Response]:
    """The responses until the service closes the connection. With ``then_closes`` the client ends what it sends."""
    with connect(port) as client:
        client.sendall(sent.encode("latin-1") if isinstance(sent, str) else sent)
        if then_closes:
            client.shutdown(socket.SHUT_WR)
        return read_responses(client)


def read_responses(client: socket.socket) -> list[Response]:
    """The responses until the service closes the connection, or resets it because it has not read all of a request."""
    received = b""
    with suppress(ConnectionResetError):
        while part := client.recv(65536):
            received += part
    responses = []
    while received:
        responses.append(parse_response(received))
        received = responses[-1].rest
    return responses


def parse_response(received: bytes) -> Response:
    """The first response in what was received."""
    head, _, rest = received.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(each.split(": ", 1) for each in lines)
    if headers.get("Transfer-Encoding") == "chunked":
        content = b""
        while size := int(rest.partition(b"\r\n")[0], 16):
            rest = rest.partition(b"\r\n")[2]
            content, rest = content + rest[:size], rest[size + 2 :]
        rest = rest.removeprefix(b"0\r\n\r\n")
    else:
        length = int(headers.get("Content-Length", 0))
        content, rest = rest[:length], rest[length:]
    return Response(int(line.split()[1]), headers, content, rest)
