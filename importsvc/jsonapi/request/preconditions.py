"""``If-Match`` (RFC 9110, section 13.1.1)."""

from __future__ import annotations

import re

from rest_framework.request import Request

from importsvc.jsonapi.errors import RequestError

ANY_STATE = "*"

_TAG = r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"'
# Between commas there may be nothing (RFC 9110, section 5.6.1.2), but there must be a tag somewhere.
_TAGS = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")


def read_if_match(request: Request) -> frozenset[str] | None:
    """The tags that the header names, without quotes, or ``*`` by itself; ``None`` if there is no such header.

    No tag may be left: then there is a condition that nothing meets. Weak tags count as well: ours stand for a state
    and not for bytes, and whoever compresses an answer on the way makes its tag a weak one.

    Raises:
        RequestError: it is malformed.
    """
    header = request.headers.get("If-Match")
    if header is None:
        return None
    if header.strip() == ANY_STATE:
        return frozenset({ANY_STATE})
    if not _TAGS.fullmatch(header):
        raise RequestError("bad_request", "If-Match must be * or a list of tags in quotes", header="If-Match")
    # A star in quotes is a tag like any other, but none of ours: nothing has it.
    return frozenset(re.findall(_TAG, header)) - {ANY_STATE}
