"""Tags of previews, by which those who carry out what a preview showed are held to it (RFC 9110, section 13.1.1)."""

from __future__ import annotations

from collections.abc import Callable, Collection

from importsvc.errors import PreconditionFailed

# In place of tags: any state will do.
ANY_STATE = "*"


def needs_tag(if_match: Collection[str] | None) -> bool:
    """Whether somebody wants things to be as a preview showed them."""
    return if_match is not None and ANY_STATE not in if_match


def require_tag(if_match: Collection[str] | None, make_tag: Callable[[], str | None]) -> None:
    """Refuse to go on unless one of the tags is that of how things are now, which is made only if it is needed.

    Raises:
        PreconditionFailed: none is.
    """
    if needs_tag(if_match) and make_tag() not in (if_match or ()):
        raise PreconditionFailed
