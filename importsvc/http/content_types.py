"""The ``Content-Type`` of API requests, hidden from Django."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from importsvc.http import API_PREFIX


class UnreadContentTypes:
    """WSGI middleware that passes the ``Content-Type`` of API requests on as ``HTTP_CONTENT_TYPE``.

    Django would parse it for each request and decode the query string by its charset, although URLs are UTF-8. Errors
    there, as with ``charset=hex`` or a thousand query parameters, would be unhandled. DRF reads the header under both
    names, and ``importsvc.jsonapi.request.negotiation`` checks it.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(API_PREFIX) and "CONTENT_TYPE" in environ:
            environ["HTTP_CONTENT_TYPE"] = environ.pop("CONTENT_TYPE")
        return self._application(environ, start_response)
