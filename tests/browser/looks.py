"""The ways in which a page is looked at: in a light and a dark theme, in wide and narrow windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, ViewportSize

WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}

# Of other results axe lists one node, which is faster.
_ALL_RULES: dict[str, Any] = {"resultTypes": ["violations"]}
# The rules whose results depend on the theme.
_COLORS = {**_ALL_RULES, "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


def show(page: Page, size: ViewportSize, *, is_dark: bool) -> None:
    """Wait until the page is loaded, and change its size and its theme."""
    # A page that was just asked for may have no element yet.
    page.wait_for_load_state()
    page.set_viewport_size(size)
    page.emulate_media(color_scheme="dark" if is_dark else "light")
    page.evaluate("isDark => document.documentElement.classList.toggle('dark', isDark)", is_dark)


def show_all(page: Page, sizes: Iterable[ViewportSize]) -> Iterator[str]:
    """Show the page in each size and theme; yields a description of both. Ends with the first size, light."""
    first, *others = sizes
    for size, is_dark in product((*others, first), (True, False)):
        show(page, size, is_dark=is_dark)
        yield f"{'dark' if is_dark else 'light'}, {size['width']} pixels"


def find_violations(page: Page, *, only_colors: bool = False, at_least: int = 1) -> list[tuple[str, str]]:
    """The violations of any grade that axe finds, with the elements.

    So many rules at least must have passed, so that a page without a content is none without violations.
    """
    # Reading axe takes as long as many a rule, so it is read once for each page that is loaded.
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    result: Any = page.evaluate("options => axe.run(options)", _COLORS if only_colors else _ALL_RULES)
    assert only_colors or len(result["passes"]) >= at_least, page.url
    return [(each["id"], node["html"][:200]) for each in result["violations"] for node in each["nodes"]]


def find_overflow(page: Page) -> list[str]:
    """The last element that is cut off or beside the screen, and is not in a part that scrolls."""
    found: list[str] = page.evaluate(
        """() => {
            if (document.documentElement.scrollWidth <= innerWidth) {
                return [];
            }
            const wide = [...document.querySelectorAll("main *, body *")].filter((element) =>
                element.checkVisibility() && element.getBoundingClientRect().right > innerWidth + 1);
            return [`${document.documentElement.scrollWidth}: ${wide.slice(-1)[0]?.outerHTML.slice(0, 160)}`];
        }"""
    )
    return found
