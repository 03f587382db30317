"""A customer's contacts have wrong titles since yesterday: staff find the import, undo it, keep edits, and prove it.

In few clicks, on a phone too, and with the keyboard alone.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Download, Locator, Page, ViewportSize, expect

from importsvc.imports.models import Import, ImportState
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import save
from tests.browser.conftest import SIZE, LogIn
from tests.browser.customers import make_customers, make_month
from tests.builders import make_person
from tests.imports.steps import import_rows

PHONE: ViewportSize = {"width": 390, "height": 844}
MOST_CLICKS = 6
MOST_KEYS = 50
# Of each contact the name, and the titles before the import, in the import, and now.
CONTACTS = [
    ("Irena", "Buyer", "CEO", "Chief Buyer"),
    ("Oliver", "Porter", "CEO", "Head Porter"),
    ("Priya", "Hotel Director", "CEO", "CEO"),
    ("Samir", "Clerk", "CEO", "CEO"),
]


class Wrong(NamedTuple):
    """The import with the wrong titles, and the other one of the same day."""

    import_: Import
    other: Import


def address(name: str) -> str:
    return f"{name.lower()}@tiles.example"


def titles() -> list[str | None]:
    """The titles of the contacts now."""
    return [Person.objects.get(email=address(name)).title for name, *_ in CONTACTS]


@pytest.fixture
def wrong(log_in: LogIn) -> Wrong:
    """Imports of yesterday by different creators, edits by staff since, and a session of staff."""
    customers = make_customers()
    make_month(customers)
    marta = customers[0]
    for name, before, _, _ in CONTACTS:
        make_person(organization=marta.organization, first_name=name, email=address(name), title=before)
    jonas = make_person(organization=marta.organization, first_name="Jonas", last_name="Weber", email="jonas@h.example")
    wrong_titles = [{"Email": address(name), "Title": title} for name, _, title, _ in CONTACTS]
    last_names = [{"Email": address(name), "Last Name": "Kovač"} for name, *_ in CONTACTS]
    found = Wrong(
        import_rows(marta, {"person": wrong_titles}, on_duplicate="update"),
        import_rows(NewOrganization(marta.organization, jonas, ""), {"person": last_names}, on_duplicate="update"),
    )
    yesterday = timezone.now() - timedelta(days=1)
    Import.objects.filter(pk__in=[import_.pk for import_ in found]).update(
        created_at=yesterday, started_at=yesterday, processed_at=yesterday
    )
    dana = User.objects.create_superuser("dana", first_name="Dana")
    client = Client()
    client.force_login(dana)
    for name, *_, now in CONTACTS[:2]:
        assert save(client, Person.objects.get(email=address(name)), title=now) == {}
    log_in(dana)
    return found


@pytest.fixture
def inputs(page: Page) -> Counter[str]:
    """Counts what the user does: clicks of a pointer, and keys without those that type a text."""
    counted: Counter[str] = Counter()

    def count(kind: str, key: str) -> None:
        if len(key) != 1:
            counted[kind] += 1

    page.expose_function("countInput", count)
    page.context.add_init_script(
        """for (const kind of ["pointerdown", "keydown"]) {
            addEventListener(kind, (event) => window.countInput(kind, event.key ?? ""), { capture: true });
        }"""
    )
    return counted


def has_focus(element: Locator) -> bool:
    return bool(element.evaluate("element => element === document.activeElement"))


def find_and_undo(page: Page, wrong: Wrong, use: Callable[[Locator], None]) -> Download:
    """Go from the home page to the report of the revert; ``use`` is how a link, button or field is used."""
    number = wrong.import_.pk
    page.goto("/admin/", wait_until="networkidle")
    use(page.get_by_label("Find an organization"))
    page.keyboard.type(address("Priya"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Found for priya@tiles.example")).to_be_visible()
    use(page.get_by_role("link", name="History of Priya"))

    # The history tells which of the imports wrote the title, when, and in the name of which person.
    found = page.get_by_role("listitem").filter(has=page.get_by_role("row", name="title Hotel Director CEO"))
    expect(found).to_contain_text(re.compile(rf"Updated by import {number}\b.* by Marta Novak", re.DOTALL))
    use(page.get_by_role("link", name=f"Revert import {number}…"))

    expect(page.get_by_role("radio", name="Keep later edits")).to_be_checked()
    expect(page.get_by_role("row", name="Title Buyer CEO Chief Buyer")).to_be_visible()
    expect(page.get_by_role("row", name="Title Porter CEO Head Porter")).to_be_visible()
    use(page.get_by_role("button", name=f"Revert import {number}, keep 2 edits"))

    expect(page.get_by_role("heading", name="What the revert did")).to_be_visible()
    with page.expect_download() as downloaded:
        use(page.get_by_role("link", name="Download report (CSV)"))
    return downloaded.value


def assert_undone(wrong: Wrong, report: Download) -> None:
    """Check that the titles are right again, that the edits are kept, and that the report proves it."""
    assert titles() == ["Chief Buyer", "Head Porter", "Hotel Director", "Clerk"]
    assert set(Person.objects.filter(title__in=titles()).values_list("last_name", flat=True)) == {"Kovač"}
    assert [Import.objects.get(pk=import_.pk).state for import_ in wrong] == [
        ImportState.REVERTED,
        ImportState.PROCESSED,
    ]
    with report.path().open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.reader(opened))
    assert rows == [
        ["type", "row", "id", "name", "field", "before", "after", "outcome"],
        *(
            [
                *["person", str(row), str(Person.objects.get(email=address(name)).pk), f"{name} Kovač", "Title"],
                *[before, title, "restored" if now == title else "kept"],
            ]
            for row, (name, before, title, now) in enumerate(CONTACTS, start=1)
        ),
    ]


@pytest.mark.parametrize("size", [SIZE, PHONE], ids=["wide", "phone"])
def test_the_import_is_found_undone_and_proved_in_few_clicks(
    page: Page, wrong: Wrong, inputs: Counter[str], size: ViewportSize
) -> None:
    page.set_viewport_size(size)
    report = find_and_undo(page, wrong, lambda target: target.click())
    assert 0 < inputs["pointerdown"] <= MOST_CLICKS
    assert_undone(wrong, report)


def test_the_import_is_found_undone_and_proved_by_keyboard_alone(
    page: Page, wrong: Wrong, inputs: Counter[str]
) -> None:
    def use(target: Locator) -> None:
        """Skip the navigation, go on by Tab, and press Enter, but not in the field of the search."""
        page.wait_for_load_state("networkidle")
        skip = page.get_by_role("link", name="Skip to the content")
        for _ in range(MOST_KEYS):
            page.keyboard.press("Tab")
            if has_focus(target):
                break
            if has_focus(skip):
                page.keyboard.press("Enter")
        expect(target).to_be_focused()
        if target.get_attribute("type") != "search":
            page.keyboard.press("Enter")

    report = find_and_undo(page, wrong, use)
    assert inputs["pointerdown"] == 0
    assert 0 < inputs["keydown"] <= MOST_KEYS
    assert_undone(wrong, report)
