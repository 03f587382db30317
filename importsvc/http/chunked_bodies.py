"""Request bodies with ``Transfer-Encoding: chunked``, which Django does not read."""

from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

STEP = 64 * 1024
LARGEST_IN_MEMORY = 1024 * 1024


class ChunkedBodies:
    """WSGI middleware that reads chunked bodies and sets the ``Content-Length`` that Django needs.

    Of a body longer than ``limit`` only ``limit + 1`` bytes are read, which the application refuses as too large.
    Requests with a ``Content-Length`` are passed on unchanged.
    """

    def __init__(self, application: WSGIApplication, limit: int) -> None:
        self._application = application
        self._limit = limit

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # wsgi.input_terminated: the server ends the input after the body. Otherwise reading would never end.
        if environ.get("CONTENT_LENGTH") or not environ.get("wsgi.input_terminated"):
            return self._application(environ, start_response)
        with SpooledTemporaryFile(max_size=LARGEST_IN_MEMORY) as body:
            missing = self._limit + 1
            while missing and (read := environ["wsgi.input"].read(min(STEP, missing))):
                body.write(read)
                missing -= len(read)
            environ["CONTENT_LENGTH"] = str(body.tell())
            body.seek(0)
            environ["wsgi.input"] = body
            return self._application(environ, start_response)
