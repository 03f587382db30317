"""Home, list, import and confirmation are accessible pages, and run no code that is in the data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from companies.models import Company
from importsvc.imports.models import Import
from people.models import Person
from tests.admin_pages import url_of
from tests.browser.conftest import LogIn
from tests.browser.customers import make_customers, make_month, make_unhappy
from tests.browser.looks import WIDE, find_overflow, find_violations, show_all
from tests.builders import make_organization
from tests.imports.steps import import_rows

READING_ORDER = [
    "Skip to the content",
    "Home page",
    "importsvc",
    "Search apps and models... Ctrl + K",
    "Navigation",
    "Home",
    "New import",
    "Imports",
    "Files",
    "Saved mappings",
    "Operations",
    "People",
    "Companies",
    "Endpoints",
    "Deliveries",
    "Organizations",
    "Tokens",
    "Import links",
    "Staff",
    "Staff groups",
    "Account of Dana",
    "Show or hide the navigation",
]

# Markup that closes any element or attribute around it.
MARKUP = "\"'></td></script><script>alert(1)</script><img class=injected src=x onerror=alert(2)>{{ 7*7 }}"


def urls_of(import_: Import) -> dict[str, str]:
    """The four pages, by name."""
    return {
        "home": "/admin/",
        "list": url_of(Import, "changelist"),
        "import": url_of(import_),
        "confirm": url_of(import_, "revert"),
    }


def visit(page: Page, import_: Import) -> Iterator[str]:
    """Visit each of the four pages and each of its tabs; yields the page's name once everything is loaded."""
    for name, url in urls_of(import_).items():
        page.goto(url, wait_until="networkidle")
        expect(page.locator("h1")).to_be_visible()
        yield name
        for tab in page.get_by_role("tab").all():
            tab.click()
            yield name


@pytest.fixture
def unhappy(log_in: LogIn) -> Import:
    """A month of imports and an import with conflicts, and a session of a superuser."""
    customers = make_customers()
    make_month(customers)
    import_, irena = make_unhappy(customers[0])
    Person.objects.filter(pk=irena.pk).update(title="Chief Buyer")
    log_in(User.objects.create_superuser("dana", first_name="Dana"))
    return import_


def test_tabs_have_no_accessibility_violation(page: Page, unhappy: Import) -> None:
    for name in visit(page, unhappy):
        for look in show_all(page, [WIDE]):
            assert (name, look, find_violations(page, at_least=21), find_overflow(page)) == (name, look, [], [])


def walk(page: Page, *, count: int) -> list[str]:
    """Press Tab so many times; returns what a screen reader calls the elements that get the focus."""
    found = []
    for _ in range(count):
        page.keyboard.press("Tab")
        name = page.evaluate(
            """() => {
                const shown = document.activeElement.cloneNode(true);
                shown.querySelectorAll("[aria-hidden]").forEach((icon) => icon.remove());
                return document.activeElement.ariaLabel ?? shown.textContent;
            }"""
        )
        found.append(" ".join(name.split()))
    return found


def test_everything_around_a_page_works_with_the_keyboard_alone(page: Page, unhappy: Import) -> None:
    page.goto(url_of(Import, "changelist"), wait_until="networkidle")
    search = page.get_by_role("button", name="Search apps and models")
    account = page.get_by_role("button", name="Account of Dana")

    assert walk(page, count=len(READING_ORDER)) == READING_ORDER

    account.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Log out")).to_be_hidden()

    search.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("searchbox", name="Type to search")).to_be_focused()
    page.keyboard.press("Escape")

    filters = page.get_by_role("button", name="Filters")
    filters.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Apply Filters")).to_be_visible()


def test_pages_have_no_mixed_content(page: Page, unhappy: Import) -> None:
    # On a page that came by TLS, an address that begins with http: is mixed content.
    loads = "found => found.map(element => element.getAttribute('src') ?? element.getAttribute('href'))"
    for _ in visit(page, unhappy):
        addresses = page.locator("script[src], img[src], link[href], iframe[src], form[action]").evaluate_all(loads)
        assert [address for address in addresses if address and ":" in address.partition("/")[0]] == []


def test_markup_in_data_is_escaped(page: Page, log_in: LogIn) -> None:
    evil = make_organization(name=MARKUP, email="evil@evil.test", first_name=MARKUP, last_name=MARKUP)
    import_ = import_rows(
        evil,
        {
            "company": [{"Name": f"{MARKUP} Company"}],
            "person": [{"First Name": MARKUP, "Email": "e@evil.test", "Title": MARKUP, "Company": f"{MARKUP} Company"}],
        },
    )
    person = Person.objects.get(email="e@evil.test")
    Person.objects.filter(pk=person.pk).update(title=f"{MARKUP} again")
    Company.objects.filter(name=f"{MARKUP} Company").update(description=MARKUP)
    log_in(User.objects.create_superuser("dana", first_name=MARKUP))

    for name in visit(page, import_):
        assert MARKUP in " ".join((page.locator("body").text_content() or "").split()), name
        expect(page.locator(".injected")).to_have_count(0)
    page.get_by_text("Search apps and models").click()
    page.get_by_role("searchbox").press_sequentially("injected")
    expect(page.get_by_role("link").filter(has_text=MARKUP).first).to_be_visible()
    expect(page.locator(".injected")).to_have_count(0)
