"""What has to happen to API requests before Django sees them."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from importsvc.http import API_PREFIX


class UnreadContentTypes:
    """WSGI middleware that leaves the ``Content-Type`` of API requests to ``importsvc.jsonapi.request.negotiation``.

    Django reads it while it makes the request, and by its charset the query string, although URLs are UTF-8. Nobody
    catches what goes wrong there: ``charset=hex``, parameters in an encoding that does not exist, a thousand query
    parameters. DRF finds the header under its other name.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the application does."""
        if environ.get("PATH_INFO", "").startswith(API_PREFIX) and "CONTENT_TYPE" in environ:
            environ["HTTP_CONTENT_TYPE"] = environ.pop("CONTENT_TYPE")
        return self._application(environ, start_response)
