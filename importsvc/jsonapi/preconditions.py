"""``If-Match`` (RFC 9110, section 13.1.1)."""

from __future__ import annotations

import re

from rest_framework.request import Request

from importsvc.jsonapi.errors import RequestError

ANY_STATE = "*"

_TAG = re.compile(r'[ \t]*(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*')


def read_if_match(request: Request) -> frozenset[str] | None:
    """The tags that the header names, without quotes, or ``*`` by itself; ``None`` if there is no such header.

    Weak tags count as well: ours stand for a state and not for bytes, and whoever compresses an answer on the way makes
    its tag a weak one.

    Raises:
        RequestError: it is malformed.
    """
    header = request.headers.get("If-Match")
    if header is None:
        return None
    if header.strip() == ANY_STATE:
        return frozenset({ANY_STATE})
    position, tags = 0, set()
    while match := _TAG.match(header, position):
        tags.add(match[1])
        if match.end() == len(header):
            return frozenset(tags)
        if header[match.end()] != ",":
            break
        position = match.end() + 1
    detail = "If-Match must be * or a list of tags in quotes"
    raise RequestError("bad_request", detail, header="If-Match")
