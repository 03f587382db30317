"""``Prefer`` (RFC 7240): whether a request may be responded to before its work is done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rest_framework.request import Request

from importsvc.jsonapi.errors import IDEMPOTENCY_KEY

# A request waits at most this many seconds: it occupies a thread.
LONGEST_WAIT = 30
# The seconds after which a client should look at an unfinished operation again.
RETRY_AFTER = 1

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_WORD = rf"(?:{_NAME}|{_QUOTED})"
_PARAMETER = rf"{_NAME}(?:[ \t]*=[ \t]*{_WORD})?"
# Parameters may be empty, as in "respond-async; ; foo=bar".
_PREFERENCE = re.compile(
    rf"[ \t]*({_NAME})(?:[ \t]*=[ \t]*({_WORD}))?(?:[ \t]*;(?:[ \t]*{_PARAMETER})?)*[ \t]*", re.DOTALL
)
# The header up to a quote that has no end; the rest cannot be read.
_READABLE = re.compile(rf'(?:[^"]|{_QUOTED})*', re.DOTALL)
_ITEM = re.compile(rf'(?:[^",]|{_QUOTED})+', re.DOTALL)


class Preferences(NamedTuple):
    """The preferences of a request that the service knows.

    Attributes:
        respond_async: the response may come before the work is done.
        wait: the seconds for which the work may take before that; ``None`` if the request does not wait.
    """

    respond_async: bool = False
    wait: int | None = None

    def make_headers(self, url: str, *, is_finished: bool) -> dict[str, str]:
        """The headers of the 202 response with the operation at ``url``."""
        applied = ["respond-async", *([] if self.wait is None else [f"wait={self.wait}"])]
        return {
            "Location": url,
            "Content-Location": url,
            **({"Preference-Applied": ", ".join(applied), "Vary": "Prefer"} if self.respond_async else {}),
            **make_polling_headers(is_finished=is_finished),
        }


def make_polling_headers(*, is_finished: bool) -> dict[str, str]:
    """The headers that tell when to look at an operation again."""
    return {} if is_finished else {"Retry-After": str(RETRY_AFTER)}


def read_preferences(request: Request) -> Preferences:
    """The preferences in ``Prefer``.

    Preferences that are malformed or not known are ignored, and so is each but the first of a name. ``wait`` needs
    ``respond-async``, and no ``Idempotency-Key``: workers see the operation when the transaction of the key, which
    has the response, is committed.
    """
    found: dict[str, str] = {}
    for name, value in _read(request.headers.get("Prefer", "")):
        found.setdefault(name, value)
    if found.get("respond-async") != "":
        return Preferences()
    wait = found.get("wait", "")
    if IDEMPOTENCY_KEY in request.headers or not (wait.isascii() and wait.isdecimal() and len(wait) <= 100):
        return Preferences(respond_async=True)
    return Preferences(respond_async=True, wait=min(int(wait), LONGEST_WAIT))


def _read(header: str) -> Iterator[tuple[str, str]]:
    """The names of the well-formed preferences, in lower case, each with its value, which may be empty."""
    readable = _READABLE.match(header)
    for item in _ITEM.findall(readable[0] if readable else ""):
        if preference := _PREFERENCE.fullmatch(item):
            value = preference[2] or ""
            if value.startswith('"'):
                value = re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL)
            yield preference[1].lower(), value
