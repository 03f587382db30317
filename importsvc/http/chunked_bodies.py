"""Request bodies with ``Transfer-Encoding: chunked``, which Django does not read."""

from collections.abc import Iterable
from io import BytesIO, RawIOBase
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.core.exceptions import RequestDataTooBig

# Bytes that are read before the application is called. A shorter body gets its exact length.
READ_AHEAD = 256 * 1024 + 1


class ChunkedBodies:
    """WSGI middleware that gives chunked bodies the ``Content-Length`` that Django needs.

    A body of more than ``READ_AHEAD`` bytes is read as the application asks for it: its length is then announced as
    ``limit``, and it ends before. One longer than ``limit`` is announced as one byte over it, or raises
    ``RequestDataTooBig`` where it gets there. Requests with a ``Content-Length`` are passed on unchanged.
    """

    def __init__(self, application: WSGIApplication, limit: int) -> None:
        self._application = application
        self._limit = limit

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # wsgi.input_terminated: the server ends the input after the body. Otherwise reading would never end.
        if environ.get("CONTENT_LENGTH") or not environ.get("wsgi.input_terminated"):
            return self._application(environ, start_response)
        body: Any = environ["wsgi.input"]
        start = body.read(min(READ_AHEAD, self._limit + 1))
        is_whole = len(start) < READ_AHEAD or len(start) > self._limit
        environ["CONTENT_LENGTH"] = str(len(start) if is_whole else self._limit)
        environ["wsgi.input"] = BytesIO(start) if is_whole else _Rest(start, body, self._limit)
        return self._application(environ, start_response)


class _Rest(RawIOBase):
    """A body of which the start was read."""

    def __init__(self, start: bytes, stream: Any, limit: int) -> None:
        self._start = BytesIO(start)
        self._stream = stream
        self._left = limit

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, of which there are fewer than ``size`` only at the end.

        Raises:
            RequestDataTooBig: the body is longer than the limit.
        """
        content = self._start.read(size)
        if len(content) < size:
            content += self._stream.read(size - len(content))
        self._left -= len(content)
        if self._left < 0 or (self._left == 0 and self._stream.read(1)):
            raise RequestDataTooBig
        return content
