"""Request bodies as Django can read them: of every transfer encoding, and never cut short without an error."""

from collections.abc import Iterable
from io import RawIOBase
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.core.exceptions import RequestDataTooBig
from gunicorn.http.errors import ParseException

from importsvc.http import API_PREFIX, SMALL_BODY_BYTES, WIZARD_PREFIX, get_content_length


class BodyError(OSError):
    """The client did not send the body that it announced. Django raises ``UnreadablePostError`` from it.

    Attributes:
        code: ``bad_request`` or ``request_timeout``.
        detail: a sentence.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class RequestBodies:
    """WSGI middleware that gives chunked bodies the ``Content-Length`` that Django needs, and checks all bodies.

    The length of a chunked body is announced as ``limit``, and it ends before, or raises ``RequestDataTooBig`` there.
    All bodies raise ``BodyError`` if the client sends less than announced, too slowly, or malformed chunks.

    The admin reads forms before the login. Outside the API and the pages of imports only small bodies of a known length
    are read, which have been received.
    """

    def __init__(self, application: WSGIApplication, limit: int) -> None:
        self._application = application
        self._limit = limit

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"]
        path = environ.get("PATH_INFO", "")
        is_of_api = path.startswith(API_PREFIX)
        if length := get_content_length(environ):
            may_be_large = path.startswith((API_PREFIX, WIZARD_PREFIX))
            environ["wsgi.input"] = _DeclaredBody(body, length, self._limit if may_be_large else SMALL_BODY_BYTES)
        # wsgi.input_terminated: the server ends the input after the body. Otherwise reading would never end.
        elif is_of_api and _is_chunked(environ) and environ.get("wsgi.input_terminated"):
            environ["CONTENT_LENGTH"] = str(self._limit)
            environ["wsgi.input"] = _ChunkedBody(body, self._limit)
        return self._application(environ, start_response)


def _is_chunked(environ: WSGIEnvironment) -> bool:
    return "HTTP_TRANSFER_ENCODING" in environ and not environ.get("CONTENT_LENGTH")


class _Body(RawIOBase):
    """A body of which at most ``size`` bytes are left."""

    def __init__(self, stream: Any, size: int) -> None:
        self._stream = stream
        self._left = size

    def _read(self, size: int) -> bytes:
        try:
            content: bytes = self._stream.read(size)
        except TimeoutError:
            raise BodyError("request_timeout", "The request body came too slowly") from None
        except ParseException as error:
            raise BodyError("bad_request", f"The request body is malformed: {error}") from None
        except OSError:
            raise BodyError("bad_request", "The connection was closed before the request body was complete") from None
        self._left -= len(content)
        return content


class _DeclaredBody(_Body):
    def __init__(self, stream: Any, size: int, limit: int) -> None:
        super().__init__(stream, size)
        self._is_too_large = size > limit

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, of which there are fewer than ``size`` only at the end.

        Raises:
            BodyError: the body is shorter than declared, or cannot be read.
            RequestDataTooBig: it is longer than the limit; nothing is read.
        """
        if self._is_too_large:
            raise RequestDataTooBig
        wanted = self._left if size < 0 else min(size, self._left)
        content = self._read(wanted)
        if len(content) < wanted:
            raise BodyError("bad_request", f"The request body ends {self._left} bytes before its Content-Length")
        return content


class _ChunkedBody(_Body):
    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, of which there are fewer than ``size`` only at the end.

        Raises:
            BodyError: the body cannot be read.
            RequestDataTooBig: it is longer than the limit.
        """
        content = self._read(size)
        if self._left < 0 or (self._left == 0 and self._read(1)):
            raise RequestDataTooBig
        return content
