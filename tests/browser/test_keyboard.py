"""The walk by keyboard refuses pages that a keyboard alone does not get through."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.keyboard import walk

LINKS = '<a href="#a">One</a> <button>Two</button>'
PAGES = {
    "elements change the order of Tab": f'{LINKS}<input tabindex="1" aria-label="Three">',
    "elements are shown above those before them": '<div style="display: flex; flex-direction: column-reverse">'
    "<button>Lower</button><button>Upper</button></div>",
    "elements look the same": f"<style>button:focus {{ outline: none }}</style>{LINKS}",
    "have the focus and are not in view": f"{LINKS}<div style='position: fixed; inset: 0; background: white'></div>",
    "keeps the focus": f"""{LINKS}<script>
        document.addEventListener("keydown", (event) => {{
            if (document.activeElement.matches("button")) {{ event.preventDefault(); }}
        }});
    </script>""",
    "not every element gets the focus": f"""{LINKS}<script>
        document.querySelector("button").addEventListener("focus", (event) => event.target.blur());
    </script>""",
}


def test_every_interactive_element_is_named_in_reading_order(page: Page) -> None:
    page.set_content(
        f"""{LINKS}<button disabled>Off</button><p hidden><button>Hidden</button></p>
        <button tabindex="-1">By code</button>
        <fieldset>
          <label><input type="radio" name="size"> Small</label>
          <label><input type="radio" name="size" checked> Large</label>
        </fieldset>
        <label for="name">Name</label><input id="name"><input type="date" aria-label="Day">
        <div style="overflow: auto; height: 50px" tabindex="0" role="region" aria-label="Rows"><p>1<p>2<p>3</div>"""
    )

    assert walk(page) == ["One", "Two", "Large", "Name", "Day", "Rows"]


@pytest.mark.parametrize("complaint", PAGES)
def test_a_page_that_a_keyboard_does_not_get_through_is_refused(page: Page, complaint: str) -> None:
    page.set_content(PAGES[complaint])

    with pytest.raises(AssertionError, match=complaint):
        walk(page)
