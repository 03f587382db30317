"""Request bodies sent in chunks, of which Django would see nothing."""

from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

STEP = 64 * 1024
LARGEST_IN_MEMORY = 1024 * 1024


class ChunkedBodies:
    """WSGI middleware that gives ``Transfer-Encoding: chunked`` bodies the length Django reads them by.

    A body longer than ``limit`` is read no further than that and announced as one byte longer, so that whoever refuses
    bodies over ``limit`` refuses it. Requests that come with a length are left alone.
    """

    def __init__(self, application: WSGIApplication, limit: int) -> None:
        """``limit`` is the number of bytes the application accepts."""
        self._application = application
        self._limit = limit

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the application does."""
        # The server's promise that reading ends where the body does; without it reading would wait for ever.
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
