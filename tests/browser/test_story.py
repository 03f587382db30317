"""After a customer's complaint, staff find the import, see what it did, and revert it."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from playwright.sync_api import Page, expect

from companies.models import Company
from importsvc.imports.models import Import, ImportState
from people.models import Person
from tests.admin_pages import url_of
from tests.browser.conftest import LogIn
from tests.browser.customers import make_customers, make_unhappy

EMAIL = "marta.novak@harbourpine.example"


@pytest.fixture
def make_member(live_server: object) -> Callable[[str], User]:
    """Creates a member of one of the service's groups, without other permissions."""
    # Tests that commit leave an empty database, without the rows that migrations inserted.
    import_module("importsvc.imports.migrations.0002_groups_of_staff").add_groups(apps, None)

    def make_member(group: str) -> User:
        user = User.objects.create_user(group.lower(), password="correct horse", is_staff=True)
        user.groups.add(Group.objects.get(name=group))
        return user

    return make_member


def find_in_list(page: Page, email: str) -> None:
    """Search the list of imports for a creator."""
    page.get_by_role("link", name=re.compile(r"\bImports$")).first.click()
    search = page.get_by_placeholder("creator's name or e-mail")
    search.fill(email)
    search.press("Enter")


def find_in_sidebar(page: Page, email: str) -> None:
    """Use the search of the sidebar."""
    page.get_by_text("Search apps and models").click()
    page.get_by_role("searchbox").press_sequentially(email)


def test_an_operator_finds_understands_and_undoes_an_import(page: Page, make_member: Callable[[str], User]) -> None:
    make_member("Operators")
    customers = make_customers()
    for customer in customers[1:]:
        Import.objects.create(organization=customer.organization, creator=customer.person)
    import_, irena = make_unhappy(customers[0])

    page.goto("/admin/")
    page.get_by_label("Username").fill("operators")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Log in").click()
    find_in_list(page, EMAIL)
    found = page.get_by_role("row").filter(has=page.get_by_role("checkbox", name="Select record"))
    expect(found).to_have_count(1)
    expect(found).to_contain_text("Marta Novak")
    expect(found).to_contain_text("created 2 companies, 2 people; updated 1 person")
    find_in_sidebar(page, EMAIL)
    page.get_by_role("link", name=re.compile(rf"Import {import_.pk}\b")).click()
    expect(page).to_have_url(re.compile(re.escape(url_of(import_))))

    # Below her name are the values before, after and now, side by side.
    changed = page.get_by_role("row", name="Title Buyer Head of Purchasing Head of Purchasing")
    expect(changed).to_be_visible()
    record = page.get_by_role("row").filter(has_text="irena@adriatictiles.example").filter(has_text="updated")
    expect(record.get_by_role("link")).to_have_attribute("href", url_of(irena))

    Person.objects.filter(pk=irena.pk).update(title="Chief Buyer")
    page.get_by_role("link", name="Revert…").click()
    conflict = page.get_by_role("row", name="Title Buyer Head of Purchasing Chief Buyer")
    expect(conflict).to_be_visible()
    expect(page.get_by_role("radio", name=re.compile("^Keep later edits"))).to_be_checked()
    page.get_by_role("button", name=f"Revert import {import_.pk}, keep 1 edit").click()
    expect(page.get_by_text(f"Import {import_.pk}: removed")).to_be_visible()
    # In the message, and for good in the timeline.
    expect(page.get_by_text("kept 1 person")).to_have_count(2)
    expect(page.get_by_text("reverted", exact=True).first).to_be_visible()
    expect(record).to_contain_text("updated, kept: Title")
    expect(page.get_by_role("link", name="Revert…")).to_have_count(0)
    irena.refresh_from_db()
    assert (irena.title, irena.last_name) == ("Chief Buyer", "Horvat-Babić")
    assert not Person.objects.filter(email__endswith="@brightwater.example").exists()
    assert not Company.objects.filter(name__in=["Adriatic Tiles", "Brightwater Hotels"]).exists()


def test_support_can_view_and_cannot_revert(page: Page, log_in: LogIn, make_member: Callable[[str], User]) -> None:
    import_, _ = make_unhappy(make_customers()[0])
    log_in(make_member("Support"))

    page.goto(url_of(import_))
    expect(page.get_by_role("row").filter(has_text="Buyer").filter(has_text="Head of Purchasing")).to_be_visible()
    expect(page.get_by_role("link", name="Download changes")).to_be_visible()
    for role in ("link", "button"):
        expect(page.get_by_role(role, name="Revert")).to_have_count(0)

    # Without loading the response, of which Chromium would complain.
    assert page.request.get(url_of(import_, "revert")).status == 403
    assert Import.objects.get().state == ImportState.PROCESSED
