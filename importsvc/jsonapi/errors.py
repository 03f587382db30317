"""Errors as JSON:API error documents (contract, section 2.2). The only module that maps error codes to statuses."""

from __future__ import annotations

import json
import logging
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from django.core.exceptions import DisallowedHost, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response

from importsvc.error_pages import show_error
from importsvc.errors import DatabaseUnavailable, DomainError, Unavailable
from importsvc.http import API_PREFIX
from importsvc.http.request_bodies import BodyError
from importsvc.postgres.outages import describe_outage, is_outage
from importsvc.text.display import printable

MEDIA_TYPE = "application/vnd.api+json"
CONTENT_TYPE = f"{MEDIA_TYPE}; charset=utf-8"
IDEMPOTENCY_KEY = "Idempotency-Key"

STATUSES: Mapping[str, int] = {
    "bad_request": 400,
    "unsupported_filter": 400,
    "unsupported_sort": 400,
    "unsupported_include": 400,
    "unsupported_parameter": 400,
    "unsupported_filter_value": 400,
    "invalid_page": 400,
    "unauthenticated": 401,
    "access_denied": 403,
    "record_not_found": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "request_timeout": 408,
    "conflict": 409,
    "precondition_failed": 412,
    "payload_too_large": 413,
    "uri_too_long": 414,
    "unsupported_media_type": 415,
    "expectation_failed": 417,
    "invalid_attribute": 422,
    "idempotency_key_reused": 422,
    "too_many_requests": 429,
    "request_header_fields_too_large": 431,
    "server_error": 500,
    # Only of operations: the response to a request is made by the process that handles it.
    "worker_lost": 500,
    "service_unavailable": 503,
}

# The headers that errors of these codes are about.
_HEADERS: Mapping[str, str] = {"precondition_failed": "If-Match", "idempotency_key_reused": IDEMPOTENCY_KEY}

# Of errors about attributes so many are listed, as of those about rows.
REPORTED_ERRORS = 1_000

BAD_HOST = "The Host header names none of the service's hosts (ALLOWED_HOSTS)"

# Of a request that the service may also do after the response (RFC 7240).
RESPOND_ASYNC = "send it with 'Prefer: respond-async'"

Logged = TypeVar("Logged", bound=HttpResponse)

logger = logging.getLogger("importsvc.jsonapi")


class RequestError(Exception):
    """An error in the request itself.

    Attributes:
        code: one of ``STATUSES``.
        detail: a sentence.
        source: one of ``parameter``, ``header``, and ``pointer`` to a part of the body, which has no leading slash, as
            on the published page.
    """

    def __init__(self, code: str, detail: str, **source: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.source = source


class InvalidAttributes(exceptions.ValidationError):
    """Attributes of the request's document are not acceptable.

    Attributes:
        uncounted: the number of further errors, which ``detail`` does not have.
    """

    def __init__(self, detail: Mapping[str, Any], *, uncounted: int = 0) -> None:
        super().__init__(dict(detail))
        self.uncounted = uncounted


def error_object(
    code: str,
    detail: str | Mapping[str, Any],
    *,
    source: Mapping[str, str] | None = None,
    meta: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """An error object with its members in the order of the published page, without those that do not apply."""
    shown: dict[str, Any] = {
        "status": str(STATUSES[code]),
        "code": code,
        "title": code.replace("_", " ").title(),
        "detail": detail,
    }
    if source:
        shown["source"] = {kind: printable(name) for kind, name in source.items()}
    if meta is not None:
        shown["meta"] = meta
    return shown


def write_document(code: str, detail: str) -> bytes:
    """The document of one error, for responses that no view makes."""
    return json.dumps({"errors": [error_object(code, detail)]}, separators=(",", ":")).encode()


def write_error(error: DomainError) -> dict[str, Any]:
    """The error object of an error that a service raises."""
    source = None
    if error.code in _HEADERS:
        source = {"header": _HEADERS[error.code]}
    elif error.attribute:
        source = {"pointer": f"data/attributes/{error.attribute}"}
    return error_object(error.code, error.detail, source=source, meta=error.meta)


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's ``EXCEPTION_HANDLER``: the response to an exception of a view."""
    if is_outage(error):
        unavailable = _report_outage(error)
        document = {"errors": [write_error(unavailable)]}
        status = STATUSES[unavailable.code]
        return _mark_as_logged(Response(document, status=status, headers=_headers(unavailable)))
    objects = list(_error_objects(error))
    if isinstance(error, Unavailable):
        is_write = context["request"].method not in SAFE_METHODS
        objects[0]["detail"] += f"; try again later{f', or {RESPOND_ASYNC}' if is_write else ''}"
    response = Response({"errors": objects}, status=int(objects[0]["status"]), headers=_headers(error))
    # The worker has logged the exception of an operation.
    if response.status_code == STATUSES["server_error"] and not isinstance(error, DomainError):
        logger.error("Unhandled exception", exc_info=error)
    return response


def _report_outage(error: Exception) -> DatabaseUnavailable:
    """The refusal because the database cannot be used; the reason is a line of the log."""
    logger.error("The database cannot be used: %s", describe_outage(error))
    return DatabaseUnavailable()


def _mark_as_logged(response: Logged) -> Logged:
    """The response, of which Django logs no second line."""
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _error_objects(error: Exception) -> Iterator[dict[str, Any]]:
    match error:
        case RequestError():
            yield error_object(error.code, error.detail, source=error.source)
        case DomainError():
            yield from map(write_error, error.each)
        case InvalidAttributes():
            yield from _attribute_errors(error)
        case _:
            yield error_object(*_code_and_detail(error))


def _attribute_errors(error: InvalidAttributes) -> Iterator[dict[str, Any]]:
    """At most ``REPORTED_ERRORS`` objects. If there are more errors, the first object's ``meta`` has their number."""
    assert isinstance(error.detail, dict)  # noqa: S101 - serializers raise nothing else
    pairs = [(attribute, str(message)) for attribute, messages in error.detail.items() for message in messages]
    count = len(pairs) + error.uncounted
    listed = pairs[:REPORTED_ERRORS]
    meta = {"error_count": count} if count > len(listed) else None
    for attribute, message in listed:
        source = {"pointer": f"data/attributes/{attribute}"}
        yield error_object("invalid_attribute", message, source=source, meta=meta)
        meta = None


def _code_and_detail(error: Exception) -> tuple[str, str]:
    match error:
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return "unauthenticated", "You are not authenticated"
        case exceptions.PermissionDenied() | PermissionDenied():
            return "access_denied", "You are not authorized to access this resource"
        case exceptions.NotFound() | Http404():
            return "record_not_found", "The requested record was not found"
        case exceptions.MethodNotAllowed():
            return "method_not_allowed", "This method is not allowed on this endpoint"
        case exceptions.NotAcceptable():
            return "not_acceptable", f"Answers are {MEDIA_TYPE}, which the Accept header does not allow"
        case exceptions.UnsupportedMediaType():
            return (
                "unsupported_media_type",
                f"Requests must be {MEDIA_TYPE}, with no parameters but charset=utf-8, ext=bulk and profile",
            )
        case exceptions.Throttled():
            return "too_many_requests", "Too many requests; try again later"
        case RequestDataTooBig():
            return "payload_too_large", "The request body is too large"
        case UnreadablePostError(__cause__=BodyError() as body_error):
            return body_error.code, body_error.detail
        case DisallowedHost():
            return "bad_request", BAD_HOST
        case exceptions.ParseError() | SuspiciousOperation() | UnreadablePostError():
            return "bad_request", "The request could not be read"
        case _:
            return "server_error", "Something went wrong on our side"


def _headers(error: Exception) -> dict[str, str]:
    if isinstance(error, exceptions.Throttled):
        wait = math.ceil(getattr(error, "wait", None) or 1)
        return {"Retry-After": str(wait), "X-RateLimit-Reset": str(math.ceil(time.time()) + wait)}
    # What would have been accepted (RFC 9110, section 15.5.16).
    if isinstance(error, exceptions.UnsupportedMediaType):
        return {"Accept": MEDIA_TYPE}
    if isinstance(error, RequestError) and error.source.get("header") == "Content-Encoding":
        return {"Accept-Encoding": "identity"}
    if isinstance(error, DomainError) and error.retry_after:
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return {"WWW-Authenticate": str(getattr(error, "auth_header", "Token"))}
    return {}


def _error_page(error: Exception) -> HttpResponse:
    objects = list(_error_objects(error))
    return HttpResponse(
        json.dumps({"errors": objects}, separators=(",", ":")),
        status=int(objects[0]["status"]),
        content_type=CONTENT_TYPE,
        headers=_headers(error),
    )


def _make_handler(status: int) -> Callable[..., HttpResponse]:
    """A handler of ``importsvc.urls``: an error document for URLs of the API, otherwise a page."""

    def handle(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        if request.path_info.startswith(API_PREFIX):
            return _error_page(exception or Exception())
        if isinstance(exception, DisallowedHost):
            return HttpResponse(f"<!doctype html>\n<title>Bad Request (400)</title>\n<h1>{BAD_HOST}</h1>\n", status=400)
        return show_error(request, status)

    return handle


bad_request = _make_handler(STATUSES["bad_request"])
permission_denied = _make_handler(STATUSES["access_denied"])
page_not_found = _make_handler(STATUSES["record_not_found"])


def server_error(request: HttpRequest) -> HttpResponse:
    """The handler of exceptions of the admin, outside views, and while a document is rendered: 500, or 503."""
    error = sys.exc_info()[1]
    if not isinstance(error, Exception) or not is_outage(error):
        return _make_handler(STATUSES["server_error"])(request)
    unavailable = _report_outage(error)
    if request.path_info.startswith(API_PREFIX):
        return _mark_as_logged(_error_page(unavailable))
    page = show_error(request, STATUSES[unavailable.code], headers=_headers(unavailable))
    return _mark_as_logged(page)


@csrf_exempt
def unknown_url(request: HttpRequest) -> HttpResponse:
    """The view for URLs of the API that are no endpoint, for all methods."""
    return _error_page(Http404())


def method_not_allowed(request: HttpRequest) -> HttpResponse:
    """The response of a view that is none of a resource, to a method that it does not have."""
    return _error_page(exceptions.MethodNotAllowed(str(request.method)))
