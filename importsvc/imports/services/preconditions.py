"""Preconditions with the ETags of previews, and with versions of imports (RFC 9110, section 13.1.1)."""

from __future__ import annotations

from collections.abc import Callable, Collection

from importsvc.errors import PreconditionFailed
from importsvc.imports.models import Import
from importsvc.imports.selectors import IMPORT_VERSION

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


def require_version(import_: Import, if_match: Collection[str] | None) -> None:
    """Check that one of the versions is the current one of the import, which the caller has locked.

    Every update of an import writes its row, so another version may have other staged rows.

    Raises:
        PreconditionFailed: the current version is not among them.
    """
    if not needs_tag(if_match):
        return
    rows = Import.objects.filter(organization_id=import_.organization_id, pk=import_.pk).values_list(IMPORT_VERSION)
    if rows.get()[0] not in (if_match or ()):
        raise PreconditionFailed("The import has changed since the response whose ETag If-Match names")
