"""Chunked bodies reach Django as a whole, or are refused."""

from collections.abc import Iterable
from io import BytesIO
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from importsvc.http.chunked_bodies import LARGEST_IN_MEMORY, STEP, ChunkedBodies


class Application:
    """An application that keeps the body it was given, read as Django does: up to the length."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.length = environ.get("CONTENT_LENGTH")
        self.body = environ["wsgi.input"].read(int(self.length or 0))
        return [b"answer"]


@pytest.fixture
def application() -> Application:
    return Application()


def send(application: Application, body: bytes, *, limit: int = 10 * LARGEST_IN_MEMORY, **environ: object) -> None:
    def start_response(*arguments: object) -> object:
        raise NotImplementedError

    answer = ChunkedBodies(application, limit)({"wsgi.input": BytesIO(body), **environ}, start_response)  # type: ignore[arg-type]
    assert answer == [b"answer"]


@pytest.mark.parametrize("size", [0, 1, STEP, STEP + 1, LARGEST_IN_MEMORY + 1])
def test_a_chunked_body_gets_its_length(application: Application, size: int) -> None:
    body = b"x" * size

    send(application, body, **{"wsgi.input_terminated": True})

    assert application.length == str(size)
    assert application.body == body


@pytest.mark.parametrize(("size", "announced"), [(9, "9"), (10, "10"), (11, "11"), (5000, "11")])
def test_a_chunked_body_over_the_limit_is_announced_as_one_byte_over_it(
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
