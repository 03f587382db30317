"""The ``Content-Security-Policy`` of the pages: files of the service only, nothing inline, nothing evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from csp.constants import NONCE, NONE, SELF

if TYPE_CHECKING:
    from importsvc.wizard.access import Access

OF_ALL: dict[str, list[Any]] = {
    "default-src": [NONE],
    "script-src": [SELF],
    "style-src": [SELF],
    "font-src": [SELF],
    "img-src": [SELF],
    "connect-src": [SELF],
    "form-action": [SELF],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
}


def make_policy(access: Access) -> dict[str, list[Any]]:
    """The policy of the pages for this access: its theme colour is in a style with a nonce."""
    return {**OF_ALL, "style-src": [SELF, NONCE]} if access.theme_color else OF_ALL
