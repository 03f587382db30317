"""Requests that are refused before a view could see them, because they are no HTTP or over a limit."""

from __future__ import annotations

from http import HTTPStatus

from gunicorn.http.errors import ExpectationFailed, LimitRequestHeaders, LimitRequestLine, ParseException

from importsvc.jsonapi.errors import CONTENT_TYPE, STATUSES, write_document
from importsvc.server.connection import HEAD_BYTES
from importsvc.text.display import printable


def describe(error: Exception, *, header_bytes: int, headers: int) -> tuple[str, str]:
    """The code and the detail of an error that gunicorn raises, with its limits of headers."""
    match error:
        case LimitRequestLine():
            return "uri_too_long", f"The request line is longer than {HEAD_BYTES} bytes"
        case LimitRequestHeaders():
            limits = f"{headers} headers, {header_bytes} bytes in one and {HEAD_BYTES} in all"
            return "request_header_fields_too_large", f"The headers are over a limit: {limits}"
        case ExpectationFailed():
            return "expectation_failed", "The only expectation that is supported is 100-continue"
        case ParseException():
            return "bad_request", printable(str(error))
        case _:
            return "server_error", "Something went wrong on our side"


def write_response(code: str, detail: str) -> bytes:
    """A response after which the connection is closed."""
    status = HTTPStatus(STATUSES[code])
    content = write_document(code, detail)
    head = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Connection: close",
        f"Content-Type: {CONTENT_TYPE}",
        f"Content-Length: {len(content)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + content
