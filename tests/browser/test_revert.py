"""The page that reverts an import tells what each choice does as it is made, with and without JavaScript."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from importsvc.imports.admin import revert_choices
from importsvc.imports.models import Import
from people.models import Person
from tests.admin_pages import url_of
from tests.browser.conftest import LogIn
from tests.browser.customers import make_customers, make_unhappy
from tests.browser.looks import PHONE, WIDE, find_overflow, find_violations, show_all
from tests.imports.steps import revert


@pytest.fixture
def edited(log_in: LogIn) -> Import:
    """An import of which two people were edited since, and a session of a superuser."""
    import_, irena = make_unhappy(make_customers()[0])
    Person.objects.filter(pk=irena.pk).update(title="Chief Buyer")
    Person.objects.filter(first_name="Oliver").update(title="Porter")
    log_in(User.objects.create_superuser("dana", first_name="Dana"))
    return import_


def check_choices(page: Page, import_: Import) -> None:
    """Make each choice, and look what the button and the table then say."""
    keep, discard = (
        page.get_by_role("radio", name="Keep later edits"),
        page.get_by_role("radio", name=re.compile("^Undo everything")),
    )
    button = page.get_by_role("button", name=re.compile("^Revert import"))
    oliver = page.get_by_role("row").filter(has_text="oliver@brightwater.example")
    expect(keep).to_be_checked()
    for choice, edits, outcome in ((keep, "keep", "kept"), (discard, "discard", "removed"), (keep, "keep", "kept")):
        choice.check()
        expect(button).to_have_accessible_name(f"Revert import {import_.pk}, {edits} 2 edits")
        expect(oliver.locator(".outcome").get_by_text(outcome, exact=True)).to_be_visible()
        expect(oliver.locator(".outcome span:visible")).to_have_count(1)
    for does in ("Removes 1 company, 1 person; keeps 1 company, 2 people.", "Removes 2 companies, 2 people; restores"):
        expect(page.get_by_text(does)).to_be_visible()


def test_the_button_and_the_table_follow_the_choice(page: Page, edited: Import) -> None:
    page.goto(url_of(edited, "revert"))
    check_choices(page, edited)


def test_they_follow_the_choice_without_javascript(
    browser: Browser, page: Page, edited: Import, live_server: LiveServer
) -> None:
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        context.add_cookies(page.context.cookies())  # type: ignore[arg-type]
        plain = context.new_page()
        plain.goto(url_of(edited, "revert"))
        check_choices(plain, edited)


def test_the_next_page_of_conflicts_keeps_the_choice(
    page: Page, edited: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revert_choices, "CONFLICTS_PAGE_SIZE", 1)
    page.goto(url_of(edited, "revert"))
    page.get_by_role("radio", name=re.compile("^Undo everything")).check()
    page.get_by_role("navigation", name="Pages of conflicts").get_by_role("link", name="2").click()
    expect(page).to_have_url(re.compile("conflicts_page=2"))
    expect(page.get_by_role("radio", name=re.compile("^Undo everything"))).to_be_checked()


def test_the_choice_and_the_button_are_reached_by_keyboard(page: Page, edited: Import) -> None:
    page.goto(url_of(edited, "revert"))
    page.get_by_role("radio", name="Keep later edits").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name=re.compile("^Undo everything"))).to_be_checked()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=re.compile("^Revert import"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What the revert did")).to_be_visible()
    assert Import.objects.get(pk=edited.pk).reverted_with == "discard"


def test_pages_about_a_revert_are_accessible_and_fit_the_screen(page: Page, edited: Import) -> None:
    asked, checked = url_of(edited, "revert"), f"{url_of(edited)}?conflicts=1#conflicts"
    for url in (asked, checked):
        check_page(page, url)
    revert(edited, on_conflict="keep")
    for url in (asked, url_of(edited)):
        check_page(page, url)


def check_page(page: Page, url: str) -> None:
    page.goto(url, wait_until="networkidle")
    for look in show_all(page, (WIDE, PHONE)):
        assert (url, look, find_violations(page), find_overflow(page)) == (url, look, [], [])
