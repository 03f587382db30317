"""The outermost middleware: a request's id, its line in the log, and its metrics."""

from __future__ import annotations

import functools
import logging
import os
import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch

from importsvc.logs.context import log_context
from importsvc.text.display import printable

# Set by manage.py serve for its processes, if there are metrics.
COUNTS_REQUESTS = "PROMETHEUS_MULTIPROC_DIR" in os.environ
if COUNTS_REQUESTS:
    from importsvc.monitoring.request_metrics import count_request

REQUEST_ID = "X-Request-Id"

# Requests that are logged at the level INFO; those of the service's own faults at higher ones.
_LOGGED = (401, 403, 413, 429)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# Paths that are no routes of Django.
_FIXED = ("/health/live", "/health/ready", "/static/")
_UNMATCHED = "unmatched"

_ID = re.compile(r"[A-Za-z0-9._~:+/=-]{1,128}")
_GROUP = re.compile(r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>")
_NOT_IN_ROUTES = re.compile(r"[\^$\\]")
_LONGEST_HOST = 100

logger = logging.getLogger("importsvc.requests")


class RequestLog:
    """Gives each response the id of its request, and logs refusals and failures.

    The id is the request's ``X-Request-Id`` if that has at most 128 letters, digits and any of ``._~:+/=-``; otherwise
    it is made. Log lines have routes, not paths, and no query parameters.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, with ``X-Request-Id``."""
        given = request.headers.get(REQUEST_ID, "")
        request_id = given if _ID.fullmatch(given) else uuid.uuid4().hex
        began = time.perf_counter()
        with log_context(request_id=request_id):
            response = self._get_response(request)
            response.headers[REQUEST_ID] = request_id
            seconds = time.perf_counter() - began
            method, route, status = get_method(request), get_route(request), response.status_code
            if COUNTS_REQUESTS:
                count_request(method=method, route=route, status=status, seconds=seconds)
            self._log(request, method, route, status, seconds)
        return response

    def _log(self, request: HttpRequest, method: str, route: str, status: int, seconds: float) -> None:
        is_bad_host = status == 400 and not _has_allowed_host(request)
        level = _get_level(status, is_bad_host=is_bad_host)
        if not logger.isEnabledFor(level):
            return
        match: ResolverMatch | None = request.resolver_match
        fields: dict[str, Any] = {"status": status, "method": method, "route": route}
        fields |= _get_import(match.url_name or "", match.kwargs) if match else {}
        fields["duration_ms"] = round(seconds * 1000, 1)
        message = f"{status} {method} {route}"
        if is_bad_host:
            host = printable(request.META.get("HTTP_HOST", ""))[:_LONGEST_HOST]
            message += f": the Host header {host!r} is not one of ALLOWED_HOSTS"
        logger.log(level, message, extra={"fields": fields})


def get_method(request: HttpRequest) -> str:
    """The method, or ``OTHER``: of these there are as many as clients think of."""
    return request.method if request.method in _METHODS else "OTHER"


def get_route(request: HttpRequest) -> str:
    """The pattern of the URL, such as ``/api/v2/imports/{pk}/import``; ``unmatched`` if there is none."""
    for fixed in _FIXED:
        if request.path_info.startswith(fixed):
            return fixed
    match = request.resolver_match
    return _write_route(match.route) if match and match.route else _UNMATCHED


@functools.lru_cache(maxsize=1000)
def _write_route(pattern: str) -> str:
    named = _GROUP.sub(lambda match: f"{{{match[1] or match[2]}}}", pattern)
    return "/" + _NOT_IN_ROUTES.sub("", named)


def _get_level(status: int, *, is_bad_host: bool) -> int:
    if status == 500:
        return logging.ERROR
    if status > 500:
        return logging.WARNING
    return logging.INFO if status in _LOGGED or is_bad_host else logging.DEBUG


def _has_allowed_host(request: HttpRequest) -> bool:
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return True


def _get_import(url_name: str, parameters: Mapping[str, Any]) -> dict[str, int]:
    written = str(parameters.get("pk", ""))
    is_import = url_name.startswith("imports-") and written.isascii() and written.isdecimal() and len(written) < 20
    return {"import": int(written)} if is_import else {}
