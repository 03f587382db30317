"""Errors as JSON:API error documents (contract, section 2.2). The only module that maps error codes to statuses."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.response import Response

from importsvc.errors import DomainError, IdempotencyKeyReused, PreconditionFailed
from importsvc.http import API_PREFIX
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
    "conflict": 409,
    "precondition_failed": 412,
    "payload_too_large": 413,
    "unsupported_media_type": 415,
    "invalid_attribute": 422,
    "idempotency_key_reused": 422,
    "too_many_requests": 429,
    "server_error": 500,
}

logger = logging.getLogger("importsvc.jsonapi")


class RequestError(Exception):
    """An error in the request itself.

    Attributes:
        code: one of ``STATUSES``.
        detail: a sentence.
        pointer: to a part of the body, in the form of the published page: without a leading slash.
        parameter: the query parameter.
        header: the header.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        pointer: str | None = None,
        parameter: str | None = None,
        header: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.pointer = pointer
        self.parameter = parameter
        self.header = header


def error_object(
    code: str,
    detail: str | Mapping[str, Any],
    *,
    pointer: str | None = None,
    parameter: str | None = None,
    header: str | None = None,
    meta: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """An error object with its members in the order of the published page, without those that do not apply."""
    shown: dict[str, Any] = {
        "status": str(STATUSES[code]),
        "code": code,
        "title": code.replace("_", " ").title(),
        "detail": detail,
    }
    if pointer is not None:
        shown["source"] = {"pointer": printable(pointer)}
    elif parameter is not None:
        shown["source"] = {"parameter": printable(parameter)}
    elif header is not None:
        shown["source"] = {"header": header}
    if meta is not None:
        shown["meta"] = meta
    return shown


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's ``EXCEPTION_HANDLER``: the response to an exception of a view."""
    objects = list(_error_objects(error))
    response = Response(objects, status=int(objects[0]["status"]), headers=_headers(error))
    if response.status_code == STATUSES["server_error"]:
        logger.error("Unhandled exception at %s", context["request"].path, exc_info=error)
    return response


def _error_objects(error: Exception) -> Iterator[dict[str, Any]]:
    match error:
        case RequestError():
            yield error_object(
                error.code, error.detail, pointer=error.pointer, parameter=error.parameter, header=error.header
            )
        case PreconditionFailed():
            yield error_object(error.code, str(error.detail), header="If-Match")
        case IdempotencyKeyReused():
            yield error_object(error.code, str(error.detail), header=IDEMPOTENCY_KEY)
        case DomainError():
            pointer = f"data/attributes/{error.attribute}" if error.attribute else None
            yield error_object(error.code, error.detail, pointer=pointer, meta=error.meta)
        case exceptions.ValidationError():
            assert isinstance(error.detail, dict)  # noqa: S101 - serializers raise nothing else
            for attribute, messages in error.detail.items():
                for message in messages:
                    yield error_object("invalid_attribute", str(message), pointer=f"data/attributes/{attribute}")
        case _:
            yield error_object(*_code_and_detail(error))


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
                f"Requests must be {MEDIA_TYPE}, of parameters with charset=utf-8 and profile only",
            )
        case exceptions.Throttled():
            return "too_many_requests", "Too many requests; try again later"
        case RequestDataTooBig():
            return "payload_too_large", "The request body is too large"
        case exceptions.ParseError() | SuspiciousOperation() | UnreadablePostError():
            return "bad_request", "The request could not be read"
        case _:
            return "server_error", "Something went wrong on our side"


def _headers(error: Exception) -> dict[str, str]:
    if isinstance(error, exceptions.Throttled):
        wait = math.ceil(getattr(error, "wait", None) or 1)
        return {"Retry-After": str(wait), "X-RateLimit-Reset": str(math.ceil(time.time()) + wait)}
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return {"WWW-Authenticate": str(getattr(error, "auth_header", "Token"))}
    return {}


def _error_page(code: str, detail: str) -> HttpResponse:
    document = {"errors": [error_object(code, detail)]}
    return HttpResponse(json.dumps(document, separators=(",", ":")), status=STATUSES[code], content_type=CONTENT_TYPE)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's ``handler400``: a document for URLs of the API, otherwise Django's page."""
    if not request.path_info.startswith(API_PREFIX):
        return defaults.bad_request(request, exception)
    return _error_page(*_code_and_detail(exception))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's ``handler403``."""
    if not request.path_info.startswith(API_PREFIX):
        return defaults.permission_denied(request, exception)
    return _error_page(*_code_and_detail(exception))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's ``handler404``."""
    if not request.path_info.startswith(API_PREFIX):
        return defaults.page_not_found(request, exception)
    return unknown_url(request)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's ``handler500``, for exceptions outside views and while a document is rendered."""
    if not request.path_info.startswith(API_PREFIX):
        return defaults.server_error(request)
    return _error_page("server_error", "Something went wrong on our side")


@csrf_exempt
def unknown_url(request: HttpRequest) -> HttpResponse:
    """The view for URLs of the API that are no endpoint, for all methods."""
    return _error_page(*_code_and_detail(Http404()))
