"""Responses to requests whose body was not read: the client gets them, and the connection is closed."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import RawIOBase
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from gunicorn.http.wsgi import Response

from importsvc.http import get_content_length

# What gunicorn itself reads of a body before it uses the connection for the next request.
READ_BY_GUNICORN = 64 * 1024

# The time that a client has to read the response and stop sending.
LINGER_SECONDS = 1.0


class UnreadBodies:
    """WSGI middleware for gunicorn that closes a connection on which much of a request body is left to read.

    Reading the rest would take a thread for as long as the client sends. Closing the connection at once would reset it,
    and the client would lose the response. So the rest is read and dropped for a second at most (RFC 9112, section
    9.6).
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        response = getattr(start_response, "__self__", None)
        is_chunked = "HTTP_TRANSFER_ENCODING" in environ
        length = get_content_length(environ)
        if not isinstance(response, Response) or (length <= READ_BY_GUNICORN and not is_chunked):
            return self._application(environ, start_response)
        body = environ["wsgi.input"] = _Body(environ["wsgi.input"], None if is_chunked else length)

        def start(*arguments: Any) -> Any:
            if body.is_left:
                response.force_close()
            return start_response(*arguments)

        return _Closing(self._application(environ, start), body, environ["gunicorn.socket"])


class _Body(RawIOBase):
    """A request body that knows whether much of it was not read; ``length`` is ``None`` if it is not known."""

    def __init__(self, stream: Any, length: int | None) -> None:
        self._stream = stream
        self._left = length

    @property
    def is_left(self) -> bool:
        """Whether so much is left that gunicorn would not read it."""
        return self._left is None or self._left > READ_BY_GUNICORN

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        content: bytes = self._stream.read(size)
        if len(content) < size:
            self._left = 0
        elif self._left is not None:
            self._left -= len(content)
        return content


class _Closing:
    """The response, after which the client is given time to stop sending."""

    def __init__(self, response: Iterable[bytes], body: _Body, connection: socket.socket) -> None:
        self._response = response
        self._body = body
        self._connection = connection

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._response)

    def close(self) -> None:
        """Close the application's response, and after an unread body the connection for sending."""
        if close := getattr(self._response, "close", None):
            close()
        if self._body.is_left:
            _linger(self._connection)


def _linger(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + LINGER_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            if not connection.recv(READ_BY_GUNICORN):
                return
    with suppress(OSError):
        # Otherwise gunicorn waits for the client once more, in the thread that accepts connections.
        connection.shutdown(socket.SHUT_RD)
