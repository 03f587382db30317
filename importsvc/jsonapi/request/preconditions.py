"""``If-Match`` (RFC 9110, section 13.1.1)."""

from __future__ import annotations

import re

from rest_framework.request import Request

from importsvc.jsonapi.errors import RequestError

ANY_STATE = "*"

_TAG = r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"'
# List items may be empty (RFC 9110, section 5.6.1.2), but there must be at least one ETag.
_TAGS = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")


def read_if_match(request: Request) -> frozenset[str] | None:
    """The ETags in the header, without quotes, or ``*``; ``None`` without the header.

    The result may be empty, which no current ETag meets. Weak ETags are accepted: the service's ETags identify a state
    and not bytes, and a proxy that compresses a response makes its ETag weak.

    Raises:
        RequestError: the header is malformed.
    """
    header = request.headers.get("If-Match")
    if header is None:
        return None
    if header.strip() == ANY_STATE:
        return frozenset({ANY_STATE})
    if not _TAGS.fullmatch(header):
        raise RequestError("bad_request", "If-Match must be * or a list of tags in quotes", header="If-Match")
    # "*" in quotes is an ETag that no preview has.
    return frozenset(re.findall(_TAG, header)) - {ANY_STATE}


def read_version_match(request: Request) -> frozenset[str] | None:
    """The versions of a record that ``If-Match`` names by ETags of its document (see ``ConditionalGet``), or ``*``.

    ``None`` without the header. The rest of an ETag is about what the document shows, which may be another one each
    time: it includes other records.

    Raises:
        RequestError: the header is malformed.
    """
    tags = read_if_match(request)
    if tags is None or ANY_STATE in tags:
        return tags
    return frozenset(version for version, point, _ in (tag.partition(".") for tag in tags) if point)
