"""What the pages show and refuse at each step."""

from __future__ import annotations

import io
import re
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from importsvc.files.models import ImportFile, ImportModel
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import correct_row, delete_row, run_import
from people.models import Person
from tests.admin_pages import ESCAPED, SCRIPT
from tests.builders import make_person
from tests.client import WsgiClient
from tests.files.builders import make_workbook
from tests.files.uploads import PEOPLE_1252
from tests.operations.queueing import create
from tests.wizard.walking import Walk

pytestmark = pytest.mark.django_db

WRONG = b"First name,Email,Title\nAda,ada@example.com,Dr\nBob,none,Mr\n,cid@example.com,Mr\n"


def check(walk: Walk, content: bytes = WRONG, **changes: str) -> Walk:
    """Upload a file, and go on to the check of its rows."""
    return walk.upload(content).send("Continue to the columns", next="1").send("Check the rows", **changes)


def test_the_history_shows_the_imports_of_the_organization_page_by_page(walk: Walk) -> None:
    tenant = walk.tenant
    Import.objects.bulk_create(Import(organization=tenant.organization, creator=tenant.person) for _ in range(30))
    check(walk, PEOPLE_1252)

    walk.go("")
    latest = f"Import {walk.import_.pk} people.csv created"
    assert latest in walk.text
    assert walk.page.count('scope="row"') == 25
    walk.go("?page=2")
    assert latest not in walk.text
    assert walk.page.count('scope="row"') == 6


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "empty.csv", "The file is empty."),
        (b"%PDF-1.7", "list.pdf", "The file is a PDF, not a table."),
        (b"\x89PNG\r\n", "list.csv", "The file is an image, not a table."),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_sentence(
    walk: Walk, content: bytes, name: str, sentence: str
) -> None:
    walk.upload(content, name=name)

    assert sentence in walk.text
    assert walk.url == walk.at("")
    assert not ImportFile.objects.exists()


def test_a_form_without_a_file_says_so(walk: Walk) -> None:
    walk.go("").send("Upload")

    assert "Choose a file first." in walk.text


def test_names_and_cells_are_shown_isolated_and_not_run(walk: Walk) -> None:
    evil = f"{SCRIPT}\u202e\N{WOMAN}\u200d\N{ROCKET}"
    lines = [f"{evil},a@example.com,{evil}", f"{evil},{evil},{'x' * 10_000}"]
    walk.upload("\n".join([f"First name,Email,{evil}", *lines]).encode(), name=f"{evil}.csv")
    pages = {"file": walk.page}
    pages["columns"] = walk.send("Continue to the columns", next="1").page
    pages["refused"] = walk.send("Check the rows").page
    pages["check"] = walk.send("Check the rows", column__3="person.title", save_as=evil).page
    import_url = walk.at(f"imports/{walk.import_.pk}/")
    for name in ("discard", "preview"):
        pages[name] = walk.go(f"{import_url}{name}").page
    pages["result"] = walk.send("Import 1 person").page
    person = Person.objects.get(email="a@example.com")
    Person.objects.filter(pk=person.pk).update(title=f"{evil}!")
    pages["revert"] = walk.go(f"{import_url}?undo=1").page
    pages["history"] = walk.go("").page

    assert person.first_name == evil
    for name, page in pages.items():
        assert SCRIPT not in page, name
        # Of the name of the file a browser sends what follows the last slash.
        assert (ESCAPED in page) == (name not in ("discard", "result", "history")), name
        # What turns the direction of text stays within its element. Values of attributes, options and the title cannot
        # turn anything else.
        outside = re.sub(r"<(bdi|option|title)\b.*?</\1>|<[^>]*>", "", page, flags=re.DOTALL)
        assert "\u202e" not in outside, name


def test_guesses_can_be_changed_and_taken_back(walk: Walk) -> None:
    walk.upload("Vorname;E-Mail\r\nJürgen;j@example.com\r\n".encode("cp1252"))
    assert "Detected: windows-1252" in walk.text
    assert "Jürgen" in walk.text

    walk.send("Read again", encoding="iso-8859-5")
    assert "Set by you" in walk.text
    assert "Jќrgen" in walk.text
    assert walk.file.overrides == {"encoding": "iso-8859-5"}

    walk.send("Read again", encoding="detected")
    assert walk.file.overrides == {}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"encoding": "utf-8"}, "has a character that is not utf-8"),
        ({"encoding": "x"}, "The encoding 'x' is not known."),
        ({"header_row": "1e9"}, "The option header_row"),
        ({"header_row": "9999"}, "The option header_row"),
        ({"separator": "xyz"}, "The option separator"),
    ],
)
def test_an_option_that_does_not_fit_is_refused_and_nothing_is_changed(
    walk: Walk, changes: dict[str, str], sentence: str
) -> None:
    walk.upload(PEOPLE_1252).send("Read again", **changes)

    assert sentence in walk.text
    assert walk.file.overrides == {}


def test_a_sheet_and_the_row_of_its_headers_can_be_chosen(walk: Walk) -> None:
    def add_sheet(workbook: Any, _: Any) -> None:
        sheet = workbook.add_worksheet("People")
        sheet.write_row(2, 0, ["First name", "Email"])
        sheet.write_row(3, 0, ["Ada", "ada@example.com"])

    walk.upload(make_workbook([["Nothing"]], fill=add_sheet).content, name="two.xlsx")
    walk.send("Read again", sheet="People")
    walk.send("Continue to the columns", next="1").send("Check the rows")

    assert "No errors in 1 row." in walk.text


def test_columns_are_proposed_in_three_grades(walk: Walk) -> None:
    walk.upload(b"First name,E-mial,Telephone\nAda,ada@example.com,1\n").send("Continue to the columns", next="1")

    assert "First name Ada" in walk.text
    assert [walk.find_form("Check the rows")["fields"][f"column-{number}"] for number in (1, 3)] == [
        "person.first_name",
        "",
    ]
    assert "1 column open:" in walk.text


def test_a_column_that_is_left_open_is_asked_about(walk: Walk) -> None:
    walk.upload(b"First name,Phone\nAda,1\n").send("Continue to the columns", next="1").send("Check the rows")

    assert walk.status == 422
    assert "1 column is open: choose what it fills, or “Don’t import”." in walk.text
    assert not Import.objects.exists()
    walk.send("Check the rows", leave_out="1")
    assert walk.import_.mapping["ignored"] == ["Phone"]


def test_a_column_fills_a_custom_field_with_the_kind_of_its_values(walk: Walk) -> None:
    walk.upload(b"First name,Size\nAda,41\n").send("Continue to the columns", next="1")
    walk.send("Check the rows", column__2="person.custom_fields.Size")

    assert walk.import_.mapping["columns"][1] == {
        "headers": ["Size"],
        "targets": ["person.custom_fields.Size"],
        "kind": "number",
    }


def test_a_column_is_split_and_columns_are_joined(walk: Walk) -> None:
    walk.upload(b"Who,Street,City\nAda King Lovelace,Main,Rome\n").send("Continue to the columns", next="1")
    full_name = '["person.first_name", "person.last_name"]'
    walk.send("Check the rows", column__1=full_name, column__2="person.title", column__3="person.title", joins="1")
    walk.go(f"imports/{walk.import_.pk}/preview").send("Import 1 person")

    person = Person.objects.get(first_name="Ada King")
    assert (person.last_name, person.title) == ("Lovelace", "Main Rome")


def test_two_columns_for_one_field_are_refused_at_the_column(walk: Walk) -> None:
    walk.upload(b"First name,A,B\nAda,x,y\n").send("Continue to the columns", next="1")
    walk.send("Check the rows", column__2="person.title", column__3="person.title")

    assert walk.status == 422
    assert walk.page.count('aria-invalid="true"') == 1
    assert walk.text.count("'person.title' is filled by another column already") == 2


def test_a_mapping_is_kept_and_proposed_for_the_next_file(walk: Walk) -> None:
    walk.upload(b"A,B\nAda,ada@example.com\n").send("Continue to the columns", next="1")
    chosen = {"column__1": "person.first_name", "column__2": "person.email"}
    walk.send("Check the rows", **chosen, save_as="Ours")
    assert "The mapping is kept as “Ours”." in walk.text
    model = ImportModel.objects.get()
    assert (model.name, model.creator) == ("Ours", walk.tenant.person)

    walk.upload(b"A,B\nBob,bob@example.com\n").send("Continue to the columns", next="1")
    assert "Proposed for this file: Ours" in walk.text
    walk.send("Check the rows", save_as="ours")
    assert walk.status == 422
    assert "Name has already been taken." in walk.text
    walk.send("Check the rows", save_as="")
    assert "No errors in 1 row." in walk.text


@pytest.mark.parametrize("base", ["saved-99", "saved-x", "ready-x", "x"])
def test_a_mapping_that_does_not_exist_is_not_found(walk: Walk, base: str) -> None:
    walk.upload(PEOPLE_1252)

    assert walk.go(f"files/{walk.file.pk}/columns?base={base}").status == 404


def test_rows_with_errors_are_shown_by_cause_and_in_a_table(walk: Walk) -> None:
    check(walk)

    assert "2 of 3 rows have errors." in walk.text
    assert "Email is not an email 1 row, person Replace none with" in walk.text
    assert "First name can't be blank 1 row, person" in walk.text
    assert walk.page.count('aria-invalid="true"') == 2


def test_rows_with_errors_come_in_parts_that_do_not_change_with_corrections(walk: Walk) -> None:
    lines = [f"Ada,wrong{number}," if number % 2 else f"Ada,a{number}@example.com," for number in range(240)]
    check(walk, "\n".join(["First name,Email,Title", *lines]).encode())
    url = walk.at(f"imports/{walk.import_.pk}/check")

    def load(query: str) -> list[int]:
        response = walk.client.get(f"{url}?{query}", headers={"HX-Request": "true"})
        assert response.status_code == 200
        return [
            int(row) for row in re.findall(r'value="person-(\d+)" aria-label="Delete row', response.content.decode())
        ]

    assert "120 of 240 rows have errors." in walk.text
    assert f'hx-get="{url}?after=person-100"' in walk.page
    assert load("after=person-100") == list(range(102, 202, 2))
    assert load("after=person-200") == list(range(202, 242, 2))
    assert load("after=person-240") == load("after=person-9999") == []
    assert load("after=person-2&until=person-8") == [4, 6, 8]
    assert load("after=&until=person-4") == load("after=deal-1&until=person-4") == [2, 4]
    assert load("")[-1] == load("after=&until=x")[-1] == 100
    chosen: dict[str, Any] = {
        "organization": walk.tenant.organization,
        "import_id": walk.import_.pk,
        "record_type": "person",
    }
    correct_row(**chosen, row=4, cells={"email": None})
    delete_row(**chosen, row=6)
    assert load("after=person-100")[0] == 102
    assert load("after=&until=person-8") == [2, 8]

    walk.go("").go(f"{url}?page=3")
    assert walk.page.count("Delete row") == 18
    walk.send("Delete")
    assert "Person row 206 is deleted." in walk.text
    assert walk.page.count("Delete row") == 17


def test_cells_are_corrected_together_and_checked_again(walk: Walk) -> None:
    check(walk)

    walk.send("Save the changed cells", **{"cell:person-2:email": "bob@example.com", "cell:person-3:first_name": "Cid"})

    assert "No errors in 3 rows." in walk.text
    walk.go(f"imports/{walk.import_.pk}/preview").send("Import 3 people")
    assert set(Person.objects.filter(email__endswith="@example.com").values_list("first_name", "email")) == {
        ("Ada", "ada@example.com"),
        ("Bob", "bob@example.com"),
        ("Cid", "cid@example.com"),
    }


def test_a_row_is_corrected_in_the_background(walk: Walk) -> None:
    check(walk)
    fields = walk.find_form("Save the changed cells")["fields"]
    sent = {"version": fields["version"], "rows": "person-2,person-3", "cell:person-2:email": "bob@example.com"}

    response = walk.client.post(walk.at(f"imports/{walk.import_.pk}/rows"), sent, headers={"HX-Request": "true"})

    page = " ".join(response.content.decode().split())
    assert (
        '<div class="problems" id="problems-person-2" hx-swap-oob="true"><span class="right">Corrected</span>' in page
    )
    assert "First name can&#x27;t be blank" in page
    assert "1 of 3 rows has errors." in page
    assert fields["version"] not in page


@pytest.mark.parametrize(
    "key", ["person-0002", "person-999999999", "person-9999999999", "deal-1", "person-x", "-1", ""]
)
def test_rows_that_are_not_there_are_no_error(walk: Walk, key: str) -> None:
    check(walk)
    version = walk.find_form("Save the changed cells")["fields"]["version"]
    sent = {"version": version, "rows": key, f"cell:{key}:email": "x@example.com"}

    response = walk.client.post(walk.at(f"imports/{walk.import_.pk}/rows"), sent, headers={"HX-Request": "true"})

    assert response.status_code == 200
    assert (b"Something has changed" in response.content) == (key == "person-999999999")


def test_two_tabs_do_not_overwrite_each_other(walk: Walk) -> None:
    check(walk)
    opened = walk.page
    walk.send("Save the changed cells", **{"cell:person-2:email": "bob@example.com"})
    walk.page = opened

    walk.send("Save the changed cells", **{"cell:person-2:email": "other@example.com"})

    assert "Something has changed since this page was opened." in walk.text
    walk.page = opened
    walk.send("Replace in 1 row", to="x")
    assert "Something has changed since this page was opened." in walk.text
    walk.page = opened
    walk.send("Delete")
    assert "Something has changed since this page was opened." in walk.text
    walk.go(f"imports/{walk.import_.pk}/preview")
    assert "bob@example.com" in walk.text


def test_a_row_is_deleted(walk: Walk) -> None:
    check(walk).send("Delete")

    assert "Person row 2 is deleted." in walk.text
    assert "1 of 2 rows has errors." in walk.text


def test_all_rows_are_checked_again_against_what_there_is_now(walk: Walk) -> None:
    check(walk, b"First name,Email\nAda,ada@example.com\n")
    make_person(organization=walk.tenant.organization, email="ada@example.com")

    walk.send("Check all rows again")

    assert "1 of 1 rows has errors." in walk.text


def test_rows_with_errors_are_left_out_and_corrected_in_a_spreadsheet(walk: Walk) -> None:
    check(walk)
    first = walk.import_
    walk.go(f"imports/{first.pk}/preview").send("Import 1 person, leave out 2 rows")
    assert "Left out 2" in walk.text

    content = walk.client.get(walk.at(f"imports/{first.pk}/errors.xlsx"))
    workbook = openpyxl.load_workbook(io.BytesIO(b"".join(content)))
    sheet = workbook.active
    rows = list(sheet.iter_rows(values_only=True))
    email, first_name = rows[0].index("Email") + 1, rows[0].index("First name") + 1
    sheet.cell(2, email, "bob@example.com")
    sheet.cell(3, first_name, "Cid")
    corrected = io.BytesIO()
    workbook.save(corrected)
    walk.upload(corrected.getvalue(), name="corrected.xlsx", of_import=str(first.pk))

    assert walk.import_ != first
    assert "No errors in 2 rows." in walk.text
    walk.go(f"imports/{walk.import_.pk}/preview").send("Import 2 people")
    assert Person.objects.filter(email__endswith="@example.com").count() == 3


def test_a_corrected_error_file_takes_the_place_of_the_rows_on_the_page_of_the_check(walk: Walk) -> None:
    check(walk)
    import_, version = walk.import_, walk.find_form("Save the changed cells")["fields"]["version"]
    url = walk.at(f"imports/{import_.pk}/errors.csv")
    content = b"".join(walk.client.get(url)).replace(b"none", b"bob@example.com")

    def upload(content: bytes, version: str) -> str:
        sent = {"file": SimpleUploadedFile("errors.csv", content), "version": version}
        return walk.see(walk.client.post(walk.at(f"imports/{import_.pk}/errors"), sent, follow=True)).text

    assert "1 row corrected from the file, and checked again. Check the rows 1 of 3 rows has errors." in upload(
        content, version
    )
    assert "Something has changed since this page was opened." in upload(content.replace(b",,", b",Cid,"), version)
    version = walk.find_form("Save the changed cells")["fields"]["version"]
    assert "no cell of a row with errors is different" in upload(content, version)
    assert "This is not an error file" in upload(WRONG, version)
    assert "Choose a file first." in walk.send("Upload").text
    assert (walk.import_, walk.url) == (import_, walk.at(f"imports/{import_.pk}/check"))
    walk.go(f"imports/{import_.pk}/preview").send("Import 2 people, leave out 1 row")
    assert Person.objects.filter(first_name="Bob", email="bob@example.com").exists()


def test_an_import_does_what_its_preview_shows_or_nothing(walk: Walk) -> None:
    check(walk, b"First name,Email\nAda,ada@example.com\n")
    walk.go(f"imports/{walk.import_.pk}/preview")
    make_person(organization=walk.tenant.organization, email="ada@example.com")

    walk.send("Import 1 person")

    assert walk.url == walk.at(f"imports/{walk.import_.pk}/preview")
    assert "Something has changed since this page was opened." in walk.text
    assert walk.import_.state == ImportState.CREATED


def test_steps_of_an_import_that_was_run_lead_to_its_result(walk: Walk) -> None:
    check(walk, PEOPLE_1252)
    walk.go(f"imports/{walk.import_.pk}/preview")
    page = walk.page
    walk.send("Import 2 people")
    for step in ("check", "preview"):
        assert walk.go(f"imports/{walk.import_.pk}/{step}").url == walk.at(f"imports/{walk.import_.pk}/")

    walk.page = page
    walk.send("Import 2 people")

    assert "The import is in state 'processed' and cannot be imported." in walk.text
    assert Person.objects.filter(email__endswith="@example.com").count() == 2


def test_later_edits_are_kept_by_a_revert_unless_it_is_said_otherwise(walk: Walk) -> None:
    check(walk, PEOPLE_1252)
    import_ = walk.import_
    run_import(organization=walk.tenant.organization, import_id=import_.pk)
    Person.objects.filter(email="ada@example.com").update(title="Dr")

    walk.go(f"imports/{import_.pk}/?undo=1")
    assert "Keep later edits; undo everything else" in walk.text
    walk.send("Revert import")

    assert "removed 1 person; kept 1 person" in walk.text
    assert list(Person.objects.filter(email__endswith="@example.com").values_list("title", flat=True)) == ["Dr"]


def test_a_revert_does_what_was_shown_or_nothing(walk: Walk) -> None:
    check(walk, PEOPLE_1252)
    run_import(organization=walk.tenant.organization, import_id=walk.import_.pk)
    walk.go(f"imports/{walk.import_.pk}/?undo=1")
    Person.objects.filter(email="ada@example.com").update(title="Dr")

    walk.send("Revert import")

    assert "Something has changed since this page was opened." in walk.text
    assert walk.import_.state == ImportState.PROCESSED


def test_an_unknown_page_has_a_way_back(walk: Walk, client: Client) -> None:
    walk.go("imports/99/")
    assert walk.status == 404
    assert f'href="{walk.at("")}"' in walk.page
    assert walk.go("/import/99999/").status == 404


def test_a_file_may_have_a_thousand_columns(walk: Walk) -> None:
    headers = ["First name", *(f"Column {number}" for number in range(2, 1_001))]
    walk.upload(f"{','.join(headers)}\nAda{',' * 999}\n".encode()).send("Continue to the columns", next="1")
    walk.send("Check the rows", leave_out="1")

    assert "No errors in 1 row." in walk.text


def test_an_import_of_the_api_that_takes_all_rows_or_none_says_so(walk: Walk) -> None:
    import_ = create(walk.tenant, {"person": [{"first_name": "Ada"}, {"email": "none"}]}, on_row_error="stage")

    walk.go(f"imports/{import_.pk}/check")
    assert "Correct all of them: this import takes all rows or none." in walk.text
    assert "Continue to the preview" not in walk.text
    walk.go(f"imports/{import_.pk}/preview")
    assert "These rows cannot be imported: Person row 2: First name can't be blank." in walk.text


def test_an_upload_that_is_interrupted_stores_nothing(walk: Walk) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nName\r\nAda'
    cookies = "; ".join(f"{name}={cookie.value}" for name, cookie in walk.client.cookies.items())
    sent = {"CONTENT_LENGTH": str(len(body) + 1), "HTTP_COOKIE": cookies}

    response = WsgiClient().generic("POST", walk.at("files/"), body, "multipart/form-data; boundary=x", **sent)

    assert response.status_code == 403
    assert not ImportFile.objects.exists()


def test_a_file_that_is_too_large_is_refused_before_it_is_read(walk: Walk, settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 100_000

    walk.upload(b"x" * 100_001)

    assert walk.status == 413
    assert "At most 97.7\xa0KB can be uploaded." in walk.page
    assert not ImportFile.objects.exists()
