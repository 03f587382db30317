"""The responses to refused requests: which codes an operation may respond with, and an example of each."""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Collection
from http import HTTPStatus
from pathlib import Path
from typing import Any

from importsvc.jsonapi.errors import MEDIA_TYPE, STATUSES

# Every code, with an error document that the service has responded with.
EXAMPLES = Path(__file__).parent / "errors.json"

# Of every operation.
ALWAYS = (
    "bad_request",
    "unsupported_filter",
    "unsupported_sort",
    "unsupported_include",
    "unsupported_parameter",
    "unauthenticated",
    "access_denied",
    "not_acceptable",
    "too_many_requests",
    "server_error",
    "service_unavailable",
)
OF_LISTS = ("unsupported_filter_value", "invalid_page")
OF_RECORDS = ("record_not_found",)
OF_DOCUMENTS = ("conflict", "payload_too_large", "unsupported_media_type", "invalid_attribute")
OF_FILES = ("payload_too_large", "unsupported_media_type", "invalid_attribute")
OF_KEYS = ("conflict", "idempotency_key_reused")
OF_PRECONDITIONS = ("precondition_failed",)

_HEADERS = {
    401: ("WWW-Authenticate",),
    409: ("Retry-After",),
    415: ("Accept", "Accept-Encoding"),
    429: ("Retry-After", "X-RateLimit-Reset"),
    503: ("Retry-After",),
}


@functools.cache
def read_examples() -> dict[str, Any]:
    """The error document of each code."""
    examples: dict[str, Any] = json.loads(EXAMPLES.read_text())
    return examples


def refer_to_errors(codes: Collection[str]) -> dict[str, Any]:
    """References to the responses with these codes, by status; the description lists the codes."""
    return {
        str(status): {
            "$ref": f"#/components/responses/{status}",
            "description": ", ".join(f"`{code}`" for code in STATUSES if STATUSES[code] == status and code in codes),
        }
        for status in sorted({STATUSES[code] for code in codes})
    }


def describe_errors() -> dict[str, Any]:
    """The responses that ``refer_to_errors`` refers to: with all codes of a status."""
    by_status: dict[int, list[str]] = defaultdict(list)
    for code, status in STATUSES.items():
        by_status[status].append(code)
    return {str(status): _describe(status, codes) for status, codes in by_status.items()}


def _describe(status: int, codes: list[str]) -> dict[str, Any]:
    content = {
        "schema": {"$ref": "#/components/schemas/ErrorDocument"},
        "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
    }
    return {
        "description": HTTPStatus(status).phrase,
        "headers": {name: {"schema": {"type": "string"}} for name in _HEADERS.get(status, ())},
        "content": {MEDIA_TYPE: content},
    }
