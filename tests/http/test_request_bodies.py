"""Bodies reach Django as a whole, or are refused: chunked ones with a length, declared ones never cut short."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.wsgi import LimitedStream
from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.unreader import IterUnreader

from importsvc.http import SMALL_BODY_BYTES
from importsvc.http.request_bodies import BodyError, RequestBodies

LIMIT = 1_000_000
API: dict[str, Any] = {"PATH_INFO": "/api/v2/imports"}
CHUNKED: dict[str, Any] = {**API, "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}


class Application:
    """An application that keeps the body it was given, read as Django does: up to the length.

    ``at_once`` is the number of bytes of each read; ``None`` means all.
    """

    def __init__(self, at_once: int | None = None) -> None:
        self.at_once = at_once
        self.body = b""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.length = environ.get("CONTENT_LENGTH")
        stream: Any = LimitedStream(environ["wsgi.input"], int(self.length or 0))
        while part := stream.read(self.at_once):
            self.body += part
            if self.at_once is None:
                break
        return [b"answer"]


def send(application: Any, body: Any, *, limit: int = LIMIT, **environ: object) -> None:
    def start_response(*arguments: object) -> object:
        raise NotImplementedError

    stream = BytesIO(body) if isinstance(body, bytes) else body
    answer = RequestBodies(application, limit)({"wsgi.input": stream, **environ}, start_response)  # type: ignore[arg-type]
    assert answer == [b"answer"]


@pytest.mark.parametrize("at_once", [None, 1000, 64 * 1024])
@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, LIMIT - 1, LIMIT])
def test_a_chunked_body_gets_the_limit_as_its_length_and_ends_where_it_ends(size: int, at_once: int | None) -> None:
    application = Application(at_once)
    body = bytes(range(256)) * (size // 256 + 1)

    send(application, body[:size], **CHUNKED)

    assert application.length == str(LIMIT)
    assert application.body == body[:size]


def test_nothing_of_a_body_is_read_before_the_application_asks_for_it() -> None:
    for environ in (CHUNKED, {**API, "CONTENT_LENGTH": str(LIMIT)}):
        stream = BytesIO(b"x" * LIMIT)

        send(lambda *_: [b"answer"], stream, **environ)

        assert stream.tell() == 0


@pytest.mark.parametrize("at_once", [None, 1000])
@pytest.mark.parametrize("size", [LIMIT + 1, 2 * LIMIT])
def test_a_chunked_body_over_the_limit_is_too_large(size: int, at_once: int | None) -> None:
    with pytest.raises(RequestDataTooBig):
        send(Application(at_once), b"x" * size, **CHUNKED)


@pytest.mark.parametrize("at_once", [None, 1, 3])
def test_a_body_with_a_length_ends_there(at_once: int | None) -> None:
    application = Application(at_once)

    send(application, b"12345", CONTENT_LENGTH="3", **CHUNKED)

    assert (application.length, application.body) == ("3", b"123")


@pytest.mark.parametrize("at_once", [None, 1, 3, 100])
@pytest.mark.parametrize(("body", "missing"), [(b"", 9), (b"1", 8), (b"123", 6), (b"12345678", 1)])
def test_a_body_that_ends_before_its_length_is_an_error(body: bytes, missing: int, at_once: int | None) -> None:
    with pytest.raises(BodyError) as error:
        send(Application(at_once), body, CONTENT_LENGTH="9", **API)

    detail = f"The request body ends {missing} bytes before its Content-Length"
    assert (error.value.code, error.value.detail) == ("bad_request", detail)


def test_an_input_that_the_server_does_not_terminate_is_not_read() -> None:
    application = Application()

    send(application, b"12345", **{**CHUNKED, "wsgi.input_terminated": False})

    assert (application.length, application.body) == (None, b"")


def test_a_request_without_a_body_gets_no_length() -> None:
    application = Application()

    send(application, b"12345", **API, **{"wsgi.input_terminated": True})

    assert (application.length, application.body) == (None, b"")


def test_a_declared_body_over_the_limit_is_too_large_and_not_read() -> None:
    stream = BytesIO(b"x" * (LIMIT + 1))

    with pytest.raises(RequestDataTooBig):
        send(Application(), stream, CONTENT_LENGTH=str(LIMIT + 1), **API)

    assert stream.tell() == 0


def test_outside_the_api_small_bodies_of_a_known_length_are_read_and_no_others() -> None:
    for path in ("/admin/login/", "/api", ""):
        application, body = Application(), b"x" * SMALL_BODY_BYTES

        send(application, body, CONTENT_LENGTH=str(SMALL_BODY_BYTES), PATH_INFO=path)
        with pytest.raises(RequestDataTooBig):
            send(Application(), body + b"x", CONTENT_LENGTH=str(SMALL_BODY_BYTES + 1), PATH_INFO=path)
        assert application.body == body

        send(application, body, **{**CHUNKED, "PATH_INFO": path})
        assert application.length is None


def test_pages_of_imports_take_files_up_to_the_limit_of_the_api() -> None:
    page: dict[str, Any] = {"PATH_INFO": "/import/1/files/"}
    application, body = Application(), b"x" * LIMIT

    send(application, body, CONTENT_LENGTH=str(LIMIT), **page)
    with pytest.raises(RequestDataTooBig):
        send(Application(), body + b"x", CONTENT_LENGTH=str(LIMIT + 1), **page)

    assert application.body == body


INCOMPLETE = "The connection was closed before the request body was complete"
MALFORMED = "The request body is malformed: "
UNTERMINATED = f"{MALFORMED}Invalid chunk terminator is not '\\r\\n': b''"


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        (b"", INCOMPLETE),
        (b"5\r\nhello", UNTERMINATED),
        (b"5\r\nhel", INCOMPLETE),
        (b"zz\r\nhello\r\n0\r\n\r\n", f"{MALFORMED}Invalid chunk size: b'zz'"),
        (b"-1\r\nhello\r\n0\r\n\r\n", f"{MALFORMED}Invalid chunk size: b'-1'"),
        (b"4\r\nhello\r\n0\r\n\r\n", f"{MALFORMED}Invalid chunk terminator is not '\\r\\n': b'o\\r'"),
        (b"5;a b\r\nhello\r\n0\r\n\r\n", f"{MALFORMED}Invalid chunk extension: invalid chunk extension"),
        (b"5\r\nhello\r\n0\r\n", UNTERMINATED),
    ],
)
def test_malformed_chunks_are_an_error_that_says_what_is_wrong(sent: bytes, detail: str) -> None:
    with pytest.raises(BodyError) as error:
        send(Application(), Body(ChunkedReader(None, IterUnreader([sent]))), **CHUNKED)

    assert (error.value.code, error.value.detail) == ("bad_request", detail)
