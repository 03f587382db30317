"""``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header): a decorator of handlers of the API."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from importsvc.errors import Busy, DomainError
from importsvc.idempotency.services import StoredResponse, run_idempotent
from importsvc.jsonapi.errors import IDEMPOTENCY_KEY, STATUSES, RequestError
from importsvc.jsonapi.views import JsonApiViewSet
from organizations.views import OrganizationScopedViewSet

REPLAYED = "Idempotency-Replayed"

# In bytes: the largest body that is stored as it is.
LARGEST_STORED = 1 << 20

_LONGEST_KEY = 255
_KEY = re.compile(r"[\x20-\x7e]+")
# RFC 8941, section 3.3.3: how the draft writes keys.
_STRING = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')

Handler = Callable[..., Any]


def idempotent(handler: Handler) -> Handler:
    """Let a request with a key that has a stored response get that response again, without running the handler.

    A request without the header runs the handler as usual. An error in the request itself is refused before the key
    is looked up, and is not stored; neither is a refusal that a retry may not meet again. Handler and response are one
    transaction, which ends when the document is written.
    """

    @functools.wraps(handler)
    def handle(view: OrganizationScopedViewSet, request: Request, *args: Any, **kwargs: Any) -> Response | HttpResponse:
        key = _read_key(request)
        if key is None:
            response: Response = handler(view, request, *args, **kwargs)
            return response
        _ = request.data  # parses the body, and raises for a body that is no document
        stored = run_idempotent(
            organization=view.organization,
            key=key,
            fingerprint=_make_fingerprint(view, request),
            work=lambda: _write(view, handler(view, request, *args, **kwargs)),
            refuse=functools.partial(_refuse, view),
        )
        written = HttpResponse(stored.body, status=stored.status, headers=stored.headers)
        if stored.is_replay:
            written.headers[REPLAYED] = "true"
        return written

    handle.is_idempotent = True  # type: ignore[attr-defined]  # for the description of the API
    return handle


def _read_key(request: Request) -> str | None:
    """The key; ``None`` without the header.

    The draft writes ``"abc"``, most clients ``abc``: both are the key abc.

    Raises:
        RequestError: the key is empty, too long, or not of printable ASCII characters.
    """
    header = request.headers.get(IDEMPOTENCY_KEY)
    if header is None:
        return None
    key = header.strip(" \t")
    if quoted := _STRING.fullmatch(key):
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    if not key.strip():
        wrong = "must not be empty"
    elif len(key) > _LONGEST_KEY:
        wrong = f"must have at most {_LONGEST_KEY} characters"
    elif not _KEY.fullmatch(key):
        wrong = "must be of printable ASCII characters"
    else:
        return key
    raise RequestError("bad_request", f"{IDEMPOTENCY_KEY} {wrong}", header=IDEMPOTENCY_KEY)


def _make_fingerprint(view: JsonApiViewSet, request: Request) -> str:
    """A SHA-256, in hex, of the request's method, URL, ``If-Match`` and body, as they came.

    It does not include the caller: any person of the organization may retry. It includes ``If-Match``: a request with
    the ETag of a newer preview is another request.
    """
    parts = (request.method, request.get_full_path(), request.headers.get("If-Match", ""), view.body_digest)
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def _refuse(view: JsonApiViewSet, error: Exception) -> StoredResponse:
    """The response to a refusal that every retry would meet.

    Other errors are raised: another transaction was in the way, the server failed, or the work was never reached.
    """
    if isinstance(error, DomainError):
        is_final = not isinstance(error, Busy) and STATUSES[error.code] < STATUSES["server_error"]
    else:
        is_final = isinstance(error, NotFound | ValidationError)
    if not is_final:
        raise error
    return _write(view, view.handle_exception(error))


def _write(view: JsonApiViewSet, response: Response) -> StoredResponse:
    written = view.finalize_response(view.request, response, *view.args, **view.kwargs).render()
    kept = _shorten(written.content) if len(written.content) > LARGEST_STORED else None
    return StoredResponse(written.status_code, dict(written.headers), written.content, kept_body=kept)


def _shorten(body: bytes) -> bytes:
    """The document without what the client can read again: included resources, and the ``meta`` of errors.

    If that is still too large, an empty document: status and headers say what has become of the request.
    """
    document = json.loads(body)
    document.pop("included", None)
    for error in document.get("errors", ()):
        error.pop("meta", None)
    short = _encode(document)
    return short if len(short) <= LARGEST_STORED else _encode({"meta": {}})


def _encode(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
