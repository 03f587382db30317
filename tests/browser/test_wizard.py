"""Staff import files in a browser: correct rows, look at what would happen, import, revert; with the keyboard too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from companies.models import Company
from importsvc.imports.models import Import, ImportState
from importsvc.operations.waiting import PATIENCE_SECONDS
from people.models import Person
from people.services import NewOrganization
from tests.browser.keyboard import walk
from tests.browser.looks import PHONE, WIDE, find_overflow, find_violations, show_all
from tests.builders import make_person
from tests.files.builders import make_text, make_workbook
from tests.wizard.test_work import LARGE

HEADERS = ["First name", "Last name", "Email", "Company", "Joined"]
# The second row has no address, and the third has that of the first.
ROWS = [
    ["Irena", "Horvat", "irena@tiles.example", "Adriatic Tiles", "31.12.2024"],
    ["Oliver", "Grant", "none", "Brightwater", "01.02.2025"],
    ["Priya", "Raman", "irena@tiles.example", "Brightwater", "03.04.2025"],
]
MARKUP = "<script>alert(1)</script><img class=injected src=x onerror=alert(2)>"


def _join(separator: str) -> str:
    return "\r\n".join(separator.join(row) for row in [HEADERS, *ROWS])


FILES: dict[str, Callable[[], bytes]] = {
    "people.csv": lambda: make_text(_join(","), "utf-8-sig").content,
    "german.csv": lambda: make_text(f"Kunden 2025\r\n{_join(';')}", "cp1252").content,
    "excel.txt": lambda: make_text(f"\ufeff{_join(chr(9))}", "utf-16-le").content,
    "people.xlsx": lambda: make_workbook([HEADERS, *ROWS]).content,
    "people.jsonl": lambda: "\n".join(json.dumps(dict(zip(HEADERS, row, strict=True))) for row in ROWS).encode(),
}


def press(page: Page, name: str) -> None:
    """Press the only button with this text."""
    page.get_by_role("button", name=name).click()


def begin(page: Page, customer: NewOrganization) -> None:
    """Go from the admin to the organization's imports, in the name of its person."""
    page.goto("/admin/imports/import/")
    page.get_by_role("link", name="New import").first.click()
    page.get_by_role("link", name=str(customer.organization)).click()
    press(page, str(customer.person))
    expect(page.get_by_role("heading", name="New import")).to_be_visible()


def stage(page: Page, path: Path) -> None:
    """Upload a file, and go on to the check of its rows."""
    page.get_by_label("A file with people or companies").set_input_files(path)
    press(page, "Upload")
    press(page, "Continue to the columns")
    page.get_by_label("Joined").select_option(label="Don’t import")
    press(page, "Check the rows")


def find_cell(page: Page, column: str, row: int) -> Locator:
    return page.locator("table.grid tbody tr").nth(row).locator(f"input[data-column='{column}']")


def find_problems(page: Page, row: int) -> Locator:
    return page.locator("table.grid tbody tr").nth(row).locator(".problems")


def paste(field: Locator, text: str) -> None:
    """Paste a text into a field, as from a spreadsheet."""
    field.evaluate(
        """(field, text) => {
            const data = new DataTransfer();
            data.setData("text/plain", text);
            field.focus();
            field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }""",
        text,
    )


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_corrected_imported_and_reverted(
    page: Page, customer: NewOrganization, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name]())
    begin(page, customer)
    stage(page, path)

    expect(page.get_by_text("2 of 3 rows have errors.")).to_be_visible()
    find_cell(page, "email", 0).fill("oliver@brightwater.example")
    find_cell(page, "email", 0).press("Enter")
    expect(find_problems(page, 0)).to_have_text("Corrected")
    expect(find_cell(page, "email", 0)).not_to_have_attribute("aria-invalid", "true")
    expect(find_cell(page, "email", 1)).to_be_focused()
    page.keyboard.type("priya@brightwater.example")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No errors in 3 rows.")).to_be_visible()

    page.get_by_role("link", name="Continue to the preview").click()
    press(page, "Import 2 companies, 3 people")
    expect(page.get_by_role("heading", name=re.compile("is processed"))).to_be_visible()
    assert set(Person.objects.filter(email__endswith=".example").values_list("first_name", flat=True)) >= {
        "Irena",
        "Oliver",
        "Priya",
    }

    page.get_by_role("link", name="Revert…").click()
    expect(page.get_by_text("This would remove 2 companies, 3 people.")).to_be_visible()
    press(page, "Revert import")
    expect(page.get_by_role("heading", name=re.compile("is reverted"))).to_be_visible()
    assert not Person.objects.filter(first_name__in=["Irena", "Oliver", "Priya"]).exists()
    assert not Company.objects.filter(name__in=["Adriatic Tiles", "Brightwater"]).exists()


def test_cells_of_a_spreadsheet_are_pasted(page: Page, customer: NewOrganization, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(FILES["people.csv"]())
    begin(page, customer)
    stage(page, path)

    text = "Grand\toliver@brightwater.example\nRamen\tpriya@brightwater.example\n"
    paste(find_cell(page, "last_name", 0), text)

    expect(page.get_by_text("No errors in 3 rows.")).to_be_visible()
    page.reload()
    page.get_by_role("link", name="Continue to the preview").click()
    for text in ("Grand", "Ramen", "oliver@brightwater.example", "priya@brightwater.example"):
        expect(page.get_by_text(text, exact=True)).to_be_visible()


def test_a_file_is_dropped(page: Page, customer: NewOrganization) -> None:
    begin(page, customer)

    page.locator("[data-drop]").evaluate(
        """(form, text) => {
            const data = new DataTransfer();
            data.items.add(new File([text], "dropped.csv", { type: "text/csv" }));
            form.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        "First name\nAda\n",
    )

    expect(page.get_by_role("heading", name="What was detected in dropped.csv")).to_be_visible()


def test_an_edit_of_an_outdated_page_is_refused(page: Page, customer: NewOrganization, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(FILES["people.csv"]())
    begin(page, customer)
    stage(page, path)
    other = page.context.new_page()
    other.goto(page.url)
    find_cell(other, "email", 0).fill("oliver@brightwater.example")
    find_cell(other, "email", 0).press("Tab")
    expect(find_problems(other, 0)).to_have_text("Corrected")

    find_cell(page, "email", 0).fill("other@brightwater.example")
    find_cell(page, "email", 0).press("Tab")

    expect(page.get_by_text("Something has changed since this page was opened.")).to_be_visible()
    page.get_by_role("link", name="Load the page again").click()
    expect(page.get_by_text("1 of 3 rows has errors.")).to_be_visible()


def test_everything_can_be_done_with_the_keyboard(page: Page, customer: NewOrganization, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(make_text("First name,Email\nAda,ada@engines.example\n").content)
    begin(page, customer)

    def reach(name: str, role: str = "button") -> None:
        """Go to an element by Tab."""
        wanted = page.get_by_role(role, name=name)  # type: ignore[arg-type]
        for _ in range(60):
            page.keyboard.press("Tab")
            if wanted.evaluate("found => found === document.activeElement"):
                return
        pytest.fail(f"{name} is not reached")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#main$"))
    # The browser may handle a key before what its driver sent earlier, here that the test chooses the file. The look at
    # the focus comes after that.
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Tab")
        expect(page.get_by_label("A file with people or companies")).to_be_focused()
        page.keyboard.press("Enter")
    chooser.value.set_files(path)
    for name in ("Upload", "Continue to the columns", "Check the rows"):
        reach(name)
        page.keyboard.press("Enter")
        page.wait_for_load_state("networkidle")
    reach("Continue to the preview", "link")
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    reach("Import 1 person")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("is processed"))).to_be_visible()
    reach("Revert…", "link")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This would remove 1 person.")).to_be_visible()
    reach("Revert import")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("is reverted"))).to_be_visible()
    assert Import.objects.get().state == ImportState.REVERTED


def visit(page: Page, customer: NewOrganization, path: Path) -> Iterator[str]:
    """Visit each step with a file that has errors and updates a person; yields the name of the page."""
    make_person(organization=customer.organization, first_name="Irena", email="irena@tiles.example", title="Buyer")
    page.goto("/import/", wait_until="networkidle")
    yield "start"
    page.get_by_role("link", name=str(customer.organization)).click()
    yield "person"
    press(page, str(customer.person))
    yield "history without imports"
    page.get_by_label("A file with people or companies").set_input_files(path)
    press(page, "Upload")
    yield "file"
    press(page, "Continue to the columns")
    yield "columns"
    page.get_by_label("Joined").select_option(label="Don’t import")
    page.get_by_label("Update", exact=True).check()
    press(page, "Check the rows")
    yield "check"
    page.get_by_role("link", name=re.compile("^Discard import")).click()
    yield "discard"
    page.get_by_role("link", name="Keep it").click()
    yield "not imported"
    page.get_by_role("link", name="Continue to the preview").click()
    yield "preview"
    press(page, "Import")
    yield "result"
    page.get_by_role("link", name="Revert…").click()
    yield "undo"
    press(page, "Revert import")
    yield "undone"
    page.get_by_role("link", name="All imports and a new one").click()
    yield "history"


def test_back_after_a_run_leads_to_the_result_and_a_second_tab_runs_nothing_again(
    page: Page, customer: NewOrganization, tmp_path: Path
) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(make_text("First name,Email\nAda,ada@engines.example\n").content)
    begin(page, customer)
    page.get_by_label("A file with people or companies").set_input_files(path)
    for name in ("Upload", "Continue to the columns", "Check the rows"):
        press(page, name)
    page.get_by_role("link", name="Continue to the preview").click()
    second = page.context.new_page()
    second.goto(page.url)
    press(page, "Import 1 person")
    processed = re.compile("is processed")
    expect(page.get_by_role("heading", name=processed)).to_be_visible()

    page.go_back()
    expect(page.get_by_role("heading", name=processed)).to_be_visible()
    expect(page.get_by_role("button", name="Import 1 person")).to_have_count(0)
    press(second, "Import 1 person")
    expect(second.get_by_text("The import is in state 'processed' and cannot be imported")).to_be_visible()
    expect(second.get_by_role("heading", name=processed)).to_be_visible()

    assert Person.objects.filter(email="ada@engines.example").count() == 1
    assert Import.objects.get().state == ImportState.PROCESSED


def test_it_is_said_that_no_worker_is_running_and_what_to_do(
    page: Page, customer: NewOrganization, tmp_path: Path
) -> None:
    path = tmp_path / "people.csv"
    path.write_text(LARGE)
    begin(page, customer)
    page.get_by_label("A file with people or companies").set_input_files(path)
    press(page, "Upload")
    press(page, "Continue to the columns")
    page.get_by_label("Notes").select_option(label="Don’t import")
    press(page, "Check the rows")

    # The page asks every second, and does not have to be loaded again.
    expect(page.get_by_text("Waiting for a worker")).to_be_visible()
    page.get_by_role("button", name="Cancel").focus()
    expect(page.get_by_text("No worker is running, so this waits.")).to_be_visible()
    expect(page.get_by_text("Ask the operator of the service to start one")).to_be_visible()
    assert find_violations(page) == []
    # What is asked for in the background leaves the focus where it is.
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Cancelled. Nothing was changed.", exact=True)).to_be_visible()
    assert PATIENCE_SECONDS < 9


def test_pages_are_accessible_as_wide_as_the_window_and_walked_through_by_keyboard(
    page: Page, customer: NewOrganization, tmp_path: Path
) -> None:
    path = tmp_path / f"{'long' * 30}.csv"
    rows = [*ROWS, [MARKUP, "\u202e" + "x" * 200, "mark@up.example", f"{MARKUP} Ltd", ""]]
    rows.append(["x" * 10_000, "\N{WOMAN}\u200d\N{ROCKET}" * 40, "\u202e" * 300, "y" * 10_000, ""])
    path.write_bytes("\n".join(",".join(row) for row in [HEADERS, *rows]).encode())

    for name in visit(page, customer, path):
        for look in show_all(page, (WIDE, PHONE)):
            assert (name, look, find_violations(page, at_least=16), find_overflow(page)) == (name, look, [], [])
            if look.startswith("light"):
                assert walk(page)[0] == "Skip to the content", (name, look)
        expect(page.locator(".injected")).to_have_count(0)
