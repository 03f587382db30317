"""Names of organizations, people and companies on the pages of the admin."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

NOTHING_KNOWN = "–"
# Of a name or an address so many characters are shown; the rest is in the tooltip.
SHOWN_CHARACTERS = 40


def show_name(name: object) -> SafeString:
    """A name, isolated from the direction of the text around it; a long one is truncated, and whole in its tooltip."""
    text = str(name or "")
    if not text:
        return format_html("{}", NOTHING_KNOWN)
    shown = Truncator(text).chars(SHOWN_CHARACTERS)
    if shown == text:
        return format_html("<bdi>{}</bdi>", text)
    return format_html('<bdi title="{}">{}</bdi>', text, shown)
