"""What opens on a page of the admin says so, takes the focus, closes by Escape, and gives the focus back."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from importsvc.imports.models import Import
from tests.admin_pages import url_of
from tests.browser.conftest import LogIn


@pytest.fixture
def listed(page: Page, log_in: LogIn) -> Page:
    """The list of imports, for a superuser."""
    log_in(User.objects.create_superuser("dana", first_name="Dana"))
    page.goto(url_of(Import, "changelist"), wait_until="networkidle")
    return page


def open_by_key(button: Locator) -> None:
    button.focus()
    button.page.keyboard.press("Enter")


def has_focus_inside(cover: Locator) -> bool:
    return bool(cover.evaluate("element => element.contains(document.activeElement)"))


def test_menus_say_whether_they_are_open_and_give_the_focus_back(listed: Page) -> None:
    account = listed.get_by_role("button", name="Account of Dana")
    expect(account).to_have_attribute("aria-expanded", "false")
    open_by_key(account)
    expect(account).to_have_attribute("aria-expanded", "true")
    expect(listed.get_by_role("button", name="Light")).to_be_focused()
    listed.keyboard.press("Escape")
    expect(account).to_have_attribute("aria-expanded", "false")
    expect(account).to_be_focused()

    filters, cover = listed.get_by_role("button", name="Filters", exact=True), listed.locator("#changelist-filter")
    open_by_key(filters)
    expect(filters).to_have_attribute("aria-expanded", "true")
    listed.wait_for_function("document.activeElement.closest('#changelist-filter')")
    # What covers the page keeps the focus, in both directions.
    for key in ("Shift+Tab", "Tab"):
        listed.keyboard.press(key)
        assert has_focus_inside(cover)
    listed.keyboard.press("Escape")
    expect(filters).to_have_attribute("aria-expanded", "false")
    expect(filters).to_be_focused()

    search = listed.get_by_role("button", name="Search apps and models")
    field = listed.get_by_role("searchbox", name="Type to search")
    open_by_key(search)
    expect(listed.get_by_role("dialog", name="Search")).to_be_visible()
    # A moment later.
    expect(field).to_be_focused()
    listed.keyboard.type("imports")
    expect(listed.locator("#command-results a").first).to_be_visible()
    listed.keyboard.press("Tab")
    listed.keyboard.press("Escape")
    expect(field).to_be_focused()
    # The first press empties the field.
    for _ in range(2):
        listed.keyboard.press("Escape")
    expect(field).to_be_hidden()
    expect(search).to_be_focused()
