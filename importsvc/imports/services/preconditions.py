"""Preconditions with the ETags of previews (RFC 9110, section 13.1.1)."""

from __future__ import annotations

from collections.abc import Callable, Collection

from importsvc.errors import PreconditionFailed

# In place of ETags: any state is accepted.
ANY_STATE = "*"


def needs_tag(if_match: Collection[str] | None) -> bool:
    """Whether the caller names ETags, one of which must be the current one."""
    return if_match is not None and ANY_STATE not in if_match


def require_tag(if_match: Collection[str] | None, make_etag: Callable[[], str | None]) -> None:
    """Check that one of the ETags is the current one, which is only computed if it is needed.

    Raises:
        PreconditionFailed: the current ETag is not among them.
    """
    if needs_tag(if_match) and make_etag() not in (if_match or ()):
        raise PreconditionFailed
