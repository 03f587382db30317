"""Thousands of rows with errors are scrolled through, corrected and pasted into; few of them are in the browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from importsvc.imports.models import Import
from importsvc.imports.services import list_rows
from importsvc.wizard.grid import PAGE_SIZE
from people.services import NewOrganization
from tests.browser.conftest import Watch
from tests.browser.test_wizard import begin, paste, press

COUNT = 10 * PAGE_SIZE


@pytest.fixture
def grid(page: Page, customer: NewOrganization, tmp_path: Path) -> Locator:
    """The rows of the page of a check, all of whose rows have a wrong address."""
    path = tmp_path / "people.csv"
    path.write_text("First name,Email\n" + "".join(f"Ada{number},wrong\n" for number in range(1, COUNT + 1)))
    begin(page, customer)
    page.get_by_label("A file with people or companies").set_input_files(path)
    press(page, "Upload")
    press(page, "Continue to the columns")
    # No value looks like an address.
    page.get_by_label("Email", exact=True).select_option("person.email")
    press(page, "Check the rows")
    expect(page.get_by_text(f"{COUNT} of {COUNT} rows have errors.")).to_be_visible()
    # Its scripts have run.
    page.wait_for_load_state()
    return page.locator("table.grid tbody tr")


def find_cell(page: Page, row: int) -> Locator:
    return page.get_by_label(f"email, row {row}", exact=True)


def load_all(page: Page) -> None:
    """Scroll down until all parts are loaded."""
    for number in range(2, 11):
        # Not by the locator, which waits for a place of its own while the rows take it.
        page.evaluate("document.getElementById('more')?.scrollIntoView()")
        expect(page.locator(".part").nth(number - 1)).to_be_attached()
    expect(page.locator("#more")).to_have_count(0)


def test_rows_are_loaded_as_they_are_scrolled_to_and_dropped_far_away(page: Page, grid: Locator) -> None:
    parts = page.locator(".part")
    expect(grid).to_have_count(PAGE_SIZE)

    load_all(page)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")

    # The last part is in view, perhaps with the one before, and three on each side are kept.
    expect(parts.first.locator("*")).to_have_count(0)
    assert PAGE_SIZE < grid.count() <= 5 * PAGE_SIZE
    height = page.evaluate("document.documentElement.scrollHeight")
    page.evaluate("scrollTo(0, 0)")
    expect(find_cell(page, 1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollHeight") == pytest.approx(height, rel=0.05)

    # A row that comes again is corrected as before.
    find_cell(page, 2).fill("ada2@example.com")
    find_cell(page, 2).press("Enter")
    expect(page.locator("#problems-person-2")).to_have_text("Corrected")
    expect(find_cell(page, 3)).to_be_focused()
    expect(page.get_by_text(f"{COUNT - 1} of {COUNT} rows have errors.")).to_be_visible()


def test_keys_and_pasted_cells_go_on_into_the_rows_that_follow(page: Page, grid: Locator) -> None:
    last = find_cell(page, PAGE_SIZE)
    last.focus()
    last.press("ArrowDown")
    expect(find_cell(page, PAGE_SIZE + 1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(last).to_be_focused()

    addresses = [f"ada{number}@example.com" for number in range(PAGE_SIZE, PAGE_SIZE + 3)]
    paste(last, "\n".join(addresses))
    expect(page.get_by_text(f"{COUNT - 3} of {COUNT} rows have errors.")).to_be_visible()
    import_ = Import.objects.get()
    rows = list_rows(organization=import_.organization, import_id=import_.pk)[PAGE_SIZE - 1 : PAGE_SIZE + 2]
    assert [row.cells["email"] for row in rows] == addresses


def test_pasted_rows_without_a_row_to_go_to_are_counted_until_the_next_paste(page: Page, grid: Locator) -> None:
    addresses = "a@example.com\nb@example.com\nc@example.com"
    paste(find_cell(page, PAGE_SIZE), addresses)

    # The answer to the first of them leaves the notice.
    expect(page.get_by_text(f"{COUNT - 1} of {COUNT} rows have errors.")).to_be_visible()
    lost = page.get_by_text("The last 2 of 3 pasted rows are not used")
    expect(lost).to_contain_text("the rows below are not loaded. Scroll down, and paste them there.")

    load_all(page)
    paste(find_cell(page, COUNT), addresses)
    expect(lost).to_contain_text("no rows are below.")
    paste(find_cell(page, COUNT - 1), "a@example.com\nb@example.com")
    expect(lost).to_have_count(0)


def test_a_change_that_could_not_be_saved_is_reported_until_a_cell_is_changed(
    page: Page, grid: Locator, watch: Watch
) -> None:
    report = page.get_by_text("A change could not be saved.")
    page.context.set_offline(True)
    find_cell(page, 1).fill("ada1@example.com")
    find_cell(page, 1).press("Enter")
    expect(report).to_be_visible()
    expect(find_cell(page, 1)).to_have_value("ada1@example.com")
    # The browser and htmx write a failed request into the console too.
    assert any("ERR_INTERNET_DISCONNECTED" in found for found in watch.found)
    assert all(found.startswith("console: ") for found in watch.found)
    watch.found.clear()

    page.context.set_offline(False)
    find_cell(page, 1).fill("ada@example.com")
    find_cell(page, 1).press("Enter")
    expect(page.get_by_text(f"{COUNT - 1} of {COUNT} rows have errors.")).to_be_visible()
    expect(report).to_have_count(0)
