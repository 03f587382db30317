"""``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header): requests that may be sent again."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable
from typing import Any, Protocol

from django.http import HttpResponse
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from importsvc.answers import Answer
from importsvc.errors import Busy, DomainError
from importsvc.jsonapi.errors import IDEMPOTENCY_KEY, STATUSES, RequestError
from importsvc.jsonapi.views import JsonApiViewSet

REPLAYED = "Idempotency-Replayed"

_LONGEST_KEY = 255
_KEY = re.compile(r"[\x20-\x7e]+")
# RFC 8941, section 3.3.3: what the draft wants keys to be written as.
_STRING = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')

Handler = Callable[..., Any]


class Settle(Protocol):
    """What keeps answers: ``importsvc.idempotency.services.settle_once``, for whom a view answers."""

    def __call__(
        self,
        view: Any,
        *,
        key: str,
        fingerprint: str,
        work: Callable[[], Answer],
        refuse: Callable[[Exception], Answer],
    ) -> tuple[Answer, bool]:
        """The answer, and whether it was given before."""


def make_idempotent(settle: Settle) -> Callable[[Handler], Handler]:
    """A decorator of handlers: a request with a key that was answered before is answered alike, and does nothing.

    Without the header nothing changes. What is wrong with the request itself is refused before its key is looked at,
    and is not kept; neither is what the work did not decide (see ``is_decided``). A handler is wrapped in a transaction
    that ends when its document is written.
    """

    def decorate(handler: Handler) -> Handler:
        @functools.wraps(handler)
        def handle(view: JsonApiViewSet, request: Request, *args: Any, **kwargs: Any) -> Response | HttpResponse:
            key = read_key(request)
            if key is None:
                response: Response = handler(view, request, *args, **kwargs)
                return response
            _ = request.data  # is refused here if it is no document
            answer, is_replay = settle(
                view,
                key=key,
                fingerprint=make_fingerprint(view, request),
                work=lambda: _write(view, handler(view, request, *args, **kwargs)),
                refuse=functools.partial(_refuse, view),
            )
            written = HttpResponse(answer.body, status=answer.status, headers=answer.headers)
            if is_replay:
                written.headers[REPLAYED] = "true"
            return written

        return handle

    return decorate


def read_key(request: Request) -> str | None:
    """The key, ``None`` if there is no such header.

    The draft writes ``"abc"``, most clients ``abc``: both are the key abc.

    Raises:
        RequestError: it is empty, too long, or not of printable ASCII characters.
    """
    header = request.headers.get(IDEMPOTENCY_KEY)
    if header is None:
        return None
    key = header.strip(" \t")
    if quoted := _STRING.fullmatch(key):
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    if not key.strip():
        raise _bad_key("must not be empty")
    if len(key) > _LONGEST_KEY:
        raise _bad_key(f"must have at most {_LONGEST_KEY} characters")
    if not _KEY.fullmatch(key):
        raise _bad_key("must be of printable ASCII characters")
    return key


def make_fingerprint(view: JsonApiViewSet, request: Request) -> str:
    """What tells the request from others with the same key: its method, URL, condition and body, as they came.

    Who of the organization sends it makes no difference. ``If-Match`` does: who was told that something has changed,
    and agrees to it, asks for something else than before.
    """
    parts = (request.method, request.get_full_path(), request.headers.get("If-Match", ""), view.body_digest)
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def is_decided(error: Exception) -> bool:
    """Whether what a handler raised is the answer to the request, now and whenever it comes again.

    It is not if others were in the way, if something broke, or if the request never reached the work.
    """
    if isinstance(error, DomainError):
        return not isinstance(error, Busy) and STATUSES[error.code] < STATUSES["server_error"]
    return isinstance(error, NotFound | ValidationError)


def _refuse(view: JsonApiViewSet, error: Exception) -> Answer:
    if not is_decided(error):
        raise error
    return _write(view, view.handle_exception(error))


def _write(view: JsonApiViewSet, response: Response) -> Answer:
    written = view.finalize_response(view.request, response, *view.args, **view.kwargs).render()
    return Answer(written.status_code, dict(written.headers), written.content)


def _bad_key(what: str) -> RequestError:
    return RequestError("bad_request", f"{IDEMPOTENCY_KEY} {what}", header=IDEMPOTENCY_KEY)
