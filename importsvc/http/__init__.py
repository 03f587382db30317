"""WSGI and Django middleware without knowledge of JSON:API: bodies, content types, compression, conditional GET."""

import re
from collections.abc import Mapping
from typing import Any

API_PREFIX = "/api/"
# The pages of imports, which check the session before they read a form.
WIZARD_PREFIX = "/import/"

# The server receives a body up to this size before a thread handles the request. Longer ones are for imports only.
SMALL_BODY_BYTES = 64 * 1024

_WIZARD_PAGE = re.compile(f"{WIZARD_PREFIX}([1-9][0-9]{{0,18}})/")


def find_wizard_organization(path: str) -> str | None:
    """The id, as digits, of the organization that a path of the wizard belongs to; ``None`` for other paths."""
    page = _WIZARD_PAGE.match(path)
    return page and page[1]


def get_content_length(environ: Mapping[str, Any]) -> int:
    """The declared length of the body in bytes; 0 if none is declared, or it is no number, as for Django."""
    try:
        return max(int(environ.get("CONTENT_LENGTH") or 0), 0)
    except ValueError:
        return 0
