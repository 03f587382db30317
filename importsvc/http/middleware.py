"""Caching and compression of responses (RFC 9110, sections 8.8, 12.5 and 13)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags

from importsvc.http import API_PREFIX

# The request headers that a response depends on.
_VARY = ("Accept", "Accept-Encoding", "X-Auth-Token", "X-Organization-Id")

_REFUSES_GZIP = re.compile(r"\bgzip\s*;\s*q=0(\.0*)?\s*(,|$)")


class Compression(GZipMiddleware):
    """Django's compression. Django compresses even if the client refuses it with ``gzip;q=0``."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:  # type: ignore[override]
        """The response, compressed if that makes it shorter and the client accepts it."""
        if _REFUSES_GZIP.search(request.headers.get("Accept-Encoding", "")):
            patch_vary_headers(response, ["Accept-Encoding"])
            return response
        return super().process_response(request, response)  # type: ignore[return-value]


class ConditionalGet:
    """Adds an ``ETag`` to API responses to GET and HEAD, and responds 304 if the client has the current one.

    Django's own middleware ignores ``HEAD``, adds ETags to errors, and its 412 is no JSON:API document. The ETag is
    weak: it is the same with and without compression. If the response has a ``version``, an attribute that a view has
    set, the ETag starts with it and a point: ``W/"731.5a…"``.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, or 304. The request has been authenticated and handled in both cases."""
        response = self._get_response(request)
        if not request.path_info.startswith(API_PREFIX):
            return response
        patch_vary_headers(response, _VARY)
        if request.method not in ("GET", "HEAD") or response.status_code != 200 or response.streaming:
            return response
        if "ETag" in response.headers:
            # The ETag of a preview, for If-Match. It does not cover the whole document, so it is not for caching.
            response.headers["Cache-Control"] = "private, no-store"
            return response
        digest = hashlib.sha256(response.content).hexdigest()[:32]
        version = getattr(response, "version", None)
        etag = f'"{digest}"' if version is None else f'"{version}.{digest}"'
        response.headers["ETag"] = f"W/{etag}"
        # Only the client may store it, and revalidates it before each use.
        response.headers["Cache-Control"] = "private, no-cache"
        known = [each.removeprefix("W/") for each in parse_etags(request.headers.get("If-None-Match", ""))]
        if etag not in known and known != ["*"]:
            return response
        kept = ("Cache-Control", "ETag", "Retry-After", "Vary")
        return HttpResponseNotModified(headers={name: response[name] for name in kept if name in response})
