"""What axe finds on a page."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# Of other results axe lists one node, which is faster.
_ALL_RULES: dict[str, Any] = {"resultTypes": ["violations"]}
# The rules whose results depend on the theme.
_COLORS = {**_ALL_RULES, "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


def find_violations(page: Page, *, only_colors: bool = False, fewest_passes: int = 1) -> list[tuple[str, str]]:
    """The violations of any grade that axe finds, with the elements.

    So many rules at least must have found elements, so that a page without a content is none without violations.
    """
    if page.evaluate("typeof window.axe") == "undefined":
        page.evaluate(Axe().axe_script)
    result = page.evaluate("options => axe.run(document, options)", _COLORS if only_colors else _ALL_RULES)
    assert only_colors or len(result["passes"]) >= fewest_passes, page.url
    return [(each["id"], node["html"][:200]) for each in result["violations"] for node in each["nodes"]]
