"""Pages that need no account: the start page, and two to read and to try the API.

Everything on them is a file of the service. Each has the strictest ``Content-Security-Policy`` that it works with.
"""

from __future__ import annotations

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

# What every page without scripts may do.
OF_ALL: dict[str, list[str]] = {
    "default-src": [NONE],
    "style-src": [SELF],
    "font-src": [SELF],
    "img-src": [SELF],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [NONE],
}
# Swagger UI has icons in its style sheet.
_OF_SWAGGER_UI = {**OF_ALL, "script-src": [SELF], "connect-src": [SELF], "img-src": [SELF, "data:"]}
# Redoc adds style sheets to the page, and searches in a worker that it makes of a blob.
_OF_REDOC = {**_OF_SWAGGER_UI, "style-src": [SELF, UNSAFE_INLINE], "worker-src": ["blob:"]}


@require_safe
@csp(OF_ALL)
def show_start(request: HttpRequest) -> HttpResponse:
    """``GET /``: what the service is, and where to go on."""
    return render(request, "pages/start.html")


@require_safe
@csp(_OF_REDOC)
def read_api(request: HttpRequest) -> HttpResponse:
    """``GET /api/docs/``: the description of the API, to read."""
    return render(request, "pages/docs.html")


@require_safe
@csp(_OF_SWAGGER_UI)
def try_api(request: HttpRequest) -> HttpResponse:
    """``GET /api/try/``: the description of the API, with a form that sends each request with the reader's token."""
    return render(request, "pages/try.html")
