"""Chunked bodies reach Django as a whole, or are refused; of a long one only the start is read ahead."""

from collections.abc import Iterable
from io import BytesIO
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.wsgi import LimitedStream

from importsvc.http.chunked_bodies import READ_AHEAD, ChunkedBodies

LIMIT = 10 * READ_AHEAD


class Application:
    """An application that keeps the body it was given, read as Django does: up to the length.

    ``at_once`` is the number of bytes of each read; ``None`` means all.
    """

    def __init__(self, at_once: int | None = None) -> None:
        self.at_once = at_once

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.length = environ.get("CONTENT_LENGTH")
        stream: Any = LimitedStream(environ["wsgi.input"], int(self.length or 0))
        self.body = b""
        while part := stream.read(self.at_once):
            self.body += part
            if self.at_once is None:
                break
        return [b"answer"]


@pytest.fixture
def application() -> Application:
    return Application()


def send(application: Any, body: bytes | BytesIO, *, limit: int = LIMIT, **environ: object) -> None:
    def start_response(*arguments: object) -> object:
        raise NotImplementedError

    stream = BytesIO(body) if isinstance(body, bytes) else body
    answer = ChunkedBodies(application, limit)({"wsgi.input": stream, **environ}, start_response)  # type: ignore[arg-type]
    assert answer == [b"answer"]


@pytest.mark.parametrize("at_once", [None, 1000])
@pytest.mark.parametrize("size", [0, 1, READ_AHEAD - 1])
def test_a_short_chunked_body_gets_its_length(size: int, at_once: int | None) -> None:
    application = Application(at_once)
    body = b"x" * size

    send(application, body, **{"wsgi.input_terminated": True})

    assert application.length == str(size)
    assert application.body == body


@pytest.mark.parametrize("at_once", [None, 1000, READ_AHEAD])
@pytest.mark.parametrize("size", [READ_AHEAD, READ_AHEAD + 1, LIMIT - 1, LIMIT])
def test_a_long_chunked_body_gets_the_limit_as_its_length_and_ends_where_it_ends(
    size: int, at_once: int | None
) -> None:
    application = Application(at_once)
    body = bytes(range(256)) * (size // 256 + 1)

    send(application, body[:size], **{"wsgi.input_terminated": True})

    assert application.length == str(LIMIT)
    assert application.body == body[:size]


def test_of_a_long_chunked_body_only_the_start_is_read_ahead() -> None:
    stream = BytesIO(b"x" * LIMIT)

    send(lambda *_: [b"answer"], stream, **{"wsgi.input_terminated": True})

    assert stream.tell() == READ_AHEAD


@pytest.mark.parametrize("at_once", [None, 1000])
def test_a_long_chunked_body_over_the_limit_is_too_large(at_once: int | None) -> None:
    with pytest.raises(RequestDataTooBig):
        send(Application(at_once), b"x" * (LIMIT + 1), **{"wsgi.input_terminated": True})


@pytest.mark.parametrize(("size", "announced"), [(9, "9"), (10, "10"), (11, "11"), (5000, "11")])
def test_a_short_chunked_body_over_the_limit_is_announced_as_one_byte_over_it(
    application: Application, size: int, announced: str
) -> None:
    send(application, b"x" * size, limit=10, **{"wsgi.input_terminated": True})

    assert application.length == announced
    assert len(application.body) == int(announced)


def test_a_body_with_a_length_is_left_alone(application: Application) -> None:
    send(application, b"12345", CONTENT_LENGTH="3", **{"wsgi.input_terminated": True})

    assert application.body == b"123"


def test_an_input_that_the_server_does_not_terminate_is_not_read(application: Application) -> None:
    send(application, b"12345", **{"wsgi.input_terminated": False})

    assert application.length is None
    assert application.body == b""
