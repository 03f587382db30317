"""URLs of the API with a slash at the end, which some clients add."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

VERSION_PREFIX = "/api/v2/"


class TrailingSlashes:
    """WSGI middleware that serves ``/api/v2/imports/`` as ``/api/v2/imports``.

    A redirect would lose the body: clients repeat a ``POST`` that is redirected by 301 as a ``GET``. Views, links and
    log lines know the URL without the slash only.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(VERSION_PREFIX):
            environ["PATH_INFO"] = environ["PATH_INFO"].removesuffix("/")
        return self._application(environ, start_response)
