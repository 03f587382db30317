"""What clients may keep of an answer, and in how few bytes it travels (RFC 9110, sections 8.8, 12.5 and 13)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags

from importsvc.http import API_PREFIX

# What the answer to a URL depends on besides the URL.
_VARY = ("Accept", "Accept-Encoding", "X-Auth-Token", "X-Organization-Id")

_REFUSES_GZIP = re.compile(r"\bgzip\s*;\s*q=0(\.0*)?\s*(,|$)")


class Compression(GZipMiddleware):
    """Django's compression, for those who ask for it; Django takes ``gzip;q=0``, which refuses it, for a request."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:  # type: ignore[override]
        """The response, compressed if that makes it shorter and the client accepts it."""
        if _REFUSES_GZIP.search(request.headers.get("Accept-Encoding", "")):
            patch_vary_headers(response, ["Accept-Encoding"])
            return response
        return super().process_response(request, response)  # type: ignore[return-value]


class ConditionalGet:
    """``ETag`` on everything of the API that can be read, and 304 without a body for who has it already.

    Django's own middleware knows no ``HEAD``, tags errors, and answers ``If-Match`` with a 412 that is no document. The
    tag is a weak one: it is the same whether the document travels compressed or not.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, or that the client has it already. The request was authenticated and served before."""
        response = self._get_response(request)
        if not request.path_info.startswith(API_PREFIX):
            return response
        patch_vary_headers(response, _VARY)
        if request.method not in ("GET", "HEAD") or response.status_code != 200:
            return response
        if "ETag" in response.headers:
            # The view's own says what a request with ``If-Match`` would do, and less than the whole document does.
            response.headers["Cache-Control"] = "private, no-store"
            return response
        tag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
        response.headers["ETag"] = f"W/{tag}"
        # To be kept by the client that asked, and to be used only after asking us.
        response.headers["Cache-Control"] = "private, no-cache"
        known = [each.removeprefix("W/") for each in parse_etags(request.headers.get("If-None-Match", ""))]
        return _not_modified(response) if tag in known or known == ["*"] else response


def _not_modified(response: HttpResponse) -> HttpResponse:
    headers = {name: response.headers[name] for name in ("Cache-Control", "ETag", "Vary")}
    return HttpResponseNotModified(headers=headers)
