"""What users of importers complain about most: each with a file and the right result, through the API."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from django.test import Client

from companies.models import Company
from importsvc.files.models import ImportFile
from people.models import Person
from tests.client import ApiClient, document_of
from tests.files.builders import make_workbook
from tests.files.uploads import send_file, send_options, upload
from tests.snapshots import take_snapshot

NAME = {"headers": ["Vorname"], "targets": ["person.first_name"]}
EMAIL = {"headers": ["E-Mail"], "targets": ["person.email"]}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def custom(header: str, name: str, kind: str) -> dict[str, Any]:
    """A column that fills a custom field."""
    return {"headers": [header], "targets": [f"person.custom_fields.{name}"], "kind": kind}


def stage(api: ApiClient, file: ImportFile, mapping: Any = None, **attributes: Any) -> dict[str, Any]:
    """The attributes of a new import of the file, with its ``path``; by the proposed mapping unless one is given."""
    if "import_model_id" not in attributes:
        attributes["mapping"] = mapping or file.proposed_mapping
    linkage = {"import_file": {"data": {"type": "import_files", "id": str(file.pk)}}}
    document = {"data": {"type": "imports", "attributes": attributes, "relationships": linkage}}
    response = api.send("POST", "imports?fields[imports]=error_count,counts", document)
    assert response.status_code == 201, response.content
    data = document_of(response)["data"]
    return {**data["attributes"], "path": f"imports/{data['id']}"}


def run(api: ApiClient, import_: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    """Run the import; the counts by type."""
    path = f"{import_['path']}/import?fields[imports]=counts"
    response = api.send_import("POST", path, **attributes) if attributes else api.request("POST", path)
    assert response.status_code == 200, response.content
    counts: dict[str, Any] = document_of(response)["data"]["attributes"]["counts"]
    return counts


def read_errors(api: ApiClient, import_: dict[str, Any], *names: str) -> list[tuple[Any, ...]]:
    """These attributes of each error."""
    errors = document_of(api.get(f"{import_['path']}/errors?page[size]=100"))["data"]
    return [tuple(error["attributes"][name] for name in names) for error in errors]


def read_people(api: ApiClient, *names: str) -> list[tuple[Any, ...]]:
    """These fields of each person besides the creator, in the order in which they were made."""
    people = Person.objects.for_organization(api.caller.organization).exclude(pk=api.caller.person.pk)
    return list(people.order_by("id").values_list(*names))


def write_csv(rows: Sequence[Sequence[str]], encoding: str = "utf-8", separator: str = ";") -> bytes:
    """Rows without quotes, as Excel saves them."""
    return "".join(separator.join(row) + "\r\n" for row in rows).encode(encoding)


# 1. Separators.
@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_the_separator_is_found_although_the_text_has_commas(api: ApiClient, separator: str) -> None:
    title = "Mathematician, writer, countess, and more"
    rows = [["Vorname", "E-Mail", "Jobtitel"], ["Ada", "ada@example.com", title], ["Bob", "bob@example.com", title]]
    file = upload(api, write_csv(rows, separator=separator))

    run(api, stage(api, file))

    assert file.separator == separator
    assert read_people(api, "first_name", "email", "title") == [(*row[:2], title) for row in rows[1:]]


# 2. Encodings.
@pytest.mark.parametrize(
    ("encoding", "found", "name"),
    [
        ("cp1252", "windows-1252", "Jörg Müßiggang"),
        ("cp1250", "windows-1250", "Željko Đurđević Čačić Šarić"),
        ("utf-8-sig", "utf-8", "Žofie Łukasz"),
        ("utf-16", "utf-16-le", "Ελένη Žofie"),
    ],
)
def test_letters_arrive_as_they_are_in_the_file(api: ApiClient, encoding: str, found: str, name: str) -> None:
    file = upload(api, write_csv([["Vorname", "E-Mail"], [name, "ada@example.com"]], encoding))

    run(api, stage(api, file))

    assert (file.encoding, file.columns[0]["header"]) == (found, "Vorname")
    assert read_people(api, "first_name") == [(name,)]


def test_a_letter_that_cannot_be_decoded_is_refused_with_its_place_and_never_replaced(api: ApiClient) -> None:
    umlauts = [["Jörg Müller", f"{number}@example.com"] for number in range(50)]
    content = write_csv([["Vorname", "E-Mail"], *umlauts]) + "Jörg;x@example.com\r\n".encode("cp1252")

    response = send_file(api, content)

    (error,) = document_of(response)["errors"]
    assert response.status_code == 422
    assert error["detail"].startswith("Line 52, column 2 has a character that is not utf-8 (byte F6).")
    assert not ImportFile.objects.exists()


# 3. Decimal signs.
def test_the_decimal_sign_belongs_to_the_file_and_never_to_a_workbook(api: ApiClient) -> None:
    salary = {"columns": [NAME, EMAIL, custom("Gehalt", "salary", "number")]}
    header = ["Vorname", "E-Mail", "Gehalt"]
    comma = write_csv([header, ["Ada", "ada@example.com", "18.500,25"], ["Bob", "bob@example.com", "1.000,5"]])
    point = write_csv([header, ["Cid", "cid@example.com", "18,500.25"], ["Dan", "dan@example.com", "18500.00"]])
    workbook = make_workbook([header, ["Eve", "eve@example.com", 18500.25]])

    files = [upload(api, content) for content in (comma, point)]
    files.append(upload(api, workbook.content, name="staff.xlsx", content_type=XLSX))
    for file in files:
        run(api, stage(api, file, salary))

    assert [file.decimal_sign for file in files] == [",", ".", None]
    salaries = [fields["salary"] for (fields,) in read_people(api, "custom_fields")]
    assert salaries == [18500.25, 1000.5, 18500.25, 18500, 18500.25]


# 4. Leading zeros.
def test_leading_zeros_stay(api: ApiClient) -> None:
    mapping = {"columns": [NAME, EMAIL, custom("PLZ", "zip", "text"), custom("Telefon", "phone", "text")]}
    header = ["Vorname", "E-Mail", "PLZ", "Telefon"]
    text = write_csv([header, ["Ada", "ada@example.com", "01067", "00491711234567"]])

    def fill(workbook: Any, sheet: Any) -> None:
        sheet.write_number(1, 2, 1067, workbook.add_format({"num_format": "00000"}))
        sheet.write_string(1, 3, "00491711234567")

    workbook = make_workbook([header, ["Bob", "bob@example.com"]], fill=fill)

    run(api, stage(api, upload(api, text), mapping))
    run(api, stage(api, upload(api, workbook.content, name="staff.xlsx", content_type=XLSX), mapping))

    assert read_people(api, "custom_fields") == [({"zip": "01067", "phone": "00491711234567"},)] * 2


# 5. Dates.
@pytest.mark.parametrize("is_1904", [False, True])
def test_dates_of_a_workbook_are_the_days_that_it_shows(api: ApiClient, is_1904: bool) -> None:
    rows: list[list[Any]] = [
        ["Vorname", "E-Mail", "Geburtstag", "Jahr"],
        ["Ada", "ada@example.com", date(1990, 2, 1), 2023],
    ]
    workbook = make_workbook(rows, options={"date_1904": is_1904})
    mapping = {"columns": [NAME, EMAIL, custom("Geburtstag", "born", "date"), custom("Jahr", "year", "text")]}

    run(api, stage(api, upload(api, workbook.content, name="staff.xlsx", content_type=XLSX), mapping))

    assert read_people(api, "custom_fields") == [({"born": "1990-02-01", "year": "2023"},)]


def test_numbers_and_phones_are_not_taken_for_dates_and_the_order_of_dates_is_asked_about(api: ApiClient) -> None:
    rows = [
        ["Vorname", "E-Mail", "Geburtstag", "Telefon", "Jahr"],
        ["Ada", "ada@example.com", "01/02/1990", "01-02-1990", "2023"],
        ["Bob", "bob@example.com", "03/04/1991", "030 12345678", "2024"],
    ]
    file = upload(api, write_csv(rows))
    kinds = {column["header"]: (column["kind"], column["date_order"]) for column in file.columns}
    columns = [NAME, EMAIL, custom("Geburtstag", "born", "date"), custom("Telefon", "phone", "text")]
    mapping = {"columns": [*columns, custom("Jahr", "year", "text")]}

    run(api, stage(api, file, {**mapping, "formats": {"date_order": "mdy"}}))

    assert kinds["Geburtstag"] == ("date", "ambiguous")
    assert kinds["Telefon"][0] != "date"
    assert kinds["Jahr"] == ("integer", None)
    assert read_people(api, "custom_fields") == [
        ({"born": "1990-01-02", "phone": "01-02-1990", "year": "2023"},),
        ({"born": "1991-03-04", "phone": "030 12345678", "year": "2024"},),
    ]


# 6. The same mapping again.
def test_a_saved_mapping_is_proposed_for_the_next_file_with_its_formats_and_values(api: ApiClient) -> None:
    currency = {"headers": ["Geld"], "targets": ["company.default_currency"], "values": {"Euro": "EUR"}}
    columns = [NAME, EMAIL, {"headers": ["Haus"], "targets": ["company.name"]}, currency]
    saved = {
        "name": "Customers",
        "columns": [*columns, custom("Tag", "joined", "date")],
        "formats": {"date_order": "dmy"},
    }
    assert (
        api.send("POST", "import_models", {"data": {"type": "import_models", "attributes": saved}}).status_code == 201
    )
    header = ["Vorname", "E-Mail", "Haus", "Geld", "Tag"]

    for number in (1, 2):
        rows = [header, [f"Ada{number}", f"ada{number}@example.com", f"Reds {number}", "Euro", "01.02.2026"]]
        file = upload(api, write_csv(rows))
        import_ = stage(api, file, import_model_id=file.proposed_import_model_id)
        assert import_["error_count"] == 0
        run(api, import_)

    assert read_people(api, "company__default_currency", "custom_fields") == [("EUR", {"joined": "2026-02-01"})] * 2


# 7. Values of the file that are not ours.
def test_an_unknown_value_of_many_rows_is_told_once_and_replaced_once(api: ApiClient) -> None:
    mapping = {
        "columns": [
            {"headers": ["Firma"], "targets": ["company.name"]},
            {"headers": ["Geld"], "targets": ["company.default_currency"]},
        ]
    }
    rows = [["Firma", "Geld"], *([f"Company {number}", "In Progress"] for number in range(50))]
    import_ = stage(api, upload(api, write_csv(rows)), mapping)

    summary = document_of(api.get(f"{import_['path']}/errors"))["meta"]["summary"]
    replaced = api.send_import(
        "POST",
        f"{import_['path']}/replacements?fields[imports]=error_count",
        **{"record_type": "company", "column": "default_currency", "from": "In Progress", "to": "EUR"},
    )

    assert [(group["value"], group["count"], group["code"]) for group in summary] == [
        ("In Progress", 50, "not_currency")
    ]
    assert document_of(replaced)["meta"]["replaced_count"] == 50
    assert run(api, import_)["company"]["created"] == 50
    assert Company.objects.filter(name__startswith="Company", default_currency="EUR").count() == 50


# 8. Which rows, and why.
def test_the_errors_are_those_of_the_rows_that_have_them_with_their_lines(api: ApiClient) -> None:
    rows = [["Vorname", "E-Mail"], *([f"Ada{number}", f"ada{number}@example.com"] for number in range(186))]
    bad = {10 + 6 * number: f"not an address {number}" for number in range(29)}
    for number, value in bad.items():
        rows[number][1] = value

    import_ = stage(api, upload(api, write_csv(rows)), {"columns": [NAME, EMAIL]})

    assert import_["error_count"] == 29
    # The header is line 1, so that the first row is in line 2.
    assert read_errors(api, import_, "row", "line", "header", "value", "code") == [
        (number, number + 1, "E-Mail", value, "not_email") for number, value in bad.items()
    ]


# 9. What was exported goes in again.
def test_downloaded_rows_go_in_again(api: ApiClient, admin_client: Client) -> None:
    rows = {
        "company": [{"name": 'Reds, "Inc"'}, {"name": "=Blues"}],
        "person": [{"First Name": "Ada", "Email": "ada@example.com", "Company": "=blues"}],
    }
    import_id = api.run(rows)
    made = read_people(api, "first_name", "email", "company__name")
    response: Any = admin_client.get(f"/admin/imports/import/{import_id}/staged.json")
    exported = b"".join(response.streaming_content)
    assert api.request("PATCH", f"imports/{import_id}/revert").status_code == 200

    file = upload(api, exported, name="export.json", content_type="application/json")
    columns = [
        {"headers": ["name"], "targets": ["company.name"], "sheet": "company"},
        {"headers": ["First Name"], "targets": ["person.first_name"], "sheet": "person"},
        {"headers": ["Email"], "targets": ["person.email"], "sheet": "person"},
        {"headers": ["Company"], "targets": ["person.company"], "sheet": "person"},
    ]
    run(api, stage(api, file, {"columns": columns}))

    assert read_people(api, "first_name", "email", "company__name") == made == [("Ada", "ada@example.com", "=Blues")]


def test_a_column_of_ids_does_not_keep_a_file_out(api: ApiClient) -> None:
    rows = [["ID", "Vorname", "E-Mail"], ["1", "Ada", "ada@example.com"], ["2", "Bob", "bob@example.com"]]

    file = upload(api, write_csv(rows))

    run(api, stage(api, file, {**file.proposed_mapping, "ignored": ["*"]}))

    assert read_people(api, "first_name") == [("Ada",), ("Bob",)]


# 10. Size.
def test_a_file_of_many_rows_goes_in_whole(api: ApiClient) -> None:
    people = 12_000
    rows = [["Vorname", "E-Mail", "Firma"]]
    rows += [[f"Ada{number}", f"ada{number}@example.com", f"Company {number % 700}"] for number in range(people)]
    file = upload(api, write_csv(rows))

    counts = run(api, stage(api, file))

    assert file.line_count == people + 1
    assert (counts["person"]["created"], counts["company"]["created"]) == (people, 700)


# 11. Duplicates in the file.
def test_a_row_that_repeats_another_is_an_error_that_names_it(api: ApiClient) -> None:
    rows = [["Vorname", "E-Mail"], ["Ada", "ada@example.com"], ["Bob", "bob@example.com"], ["Eve", "ADA@example.com"]]

    import_ = stage(api, upload(api, write_csv(rows)))

    assert read_errors(api, import_, "row", "line", "other_row", "message") == [
        (3, 4, 1, "Email has already been taken by row 1")
    ]


# 12. One bad row.
def test_a_bad_row_is_named_and_may_be_left_out(api: ApiClient) -> None:
    rows = [["Vorname", "E-Mail"], *([f"Ada{number}", f"ada{number}@example.com"] for number in range(19))]
    rows[7][0] = ""
    content = write_csv(rows).replace(b"Ada3;", b'"Ada\r\n3";')
    import_ = stage(api, upload(api, content))

    refused = api.request("POST", f"{import_['path']}/import")
    counts = run(api, import_, on_row_error="skip")

    messages = ["First name can't be blank"]
    (error,) = document_of(refused)["errors"]
    assert error["detail"]["person"] == [{"row": 7, "column": "first_name", "messages": messages}]
    # A value before it has a line break, so that the seventh row is in line 9.
    assert read_errors(api, import_, "row", "line", "message") == [(7, 9, messages[0])]
    assert (counts["person"]["created"], counts["person"]["refused"]) == (18, 1)


# 13. Headers, and a mapping of the caller's own.
def test_any_header_can_be_mapped(api: ApiClient) -> None:
    headers = [" Internal id, Date and time ", 'He said "name"', "E-Mail\nprivat", "e-mail"]
    cells = ",".join('"' + header.replace('"', '""') + '"' for header in headers)
    file = upload(api, f"{cells}\r\nx,Ada,ada@example.com,other@example.com\r\n".encode())
    found = [column["header"] for column in file.columns]
    mapping = {
        "columns": [
            {"headers": [found[0]], "targets": ["person.title"]},
            {"headers": [found[1]], "targets": ["person.first_name"]},
            {"headers": [found[2]], "targets": ["person.email"]},
        ],
        "ignored": [found[3]],
    }

    run(api, stage(api, file, mapping))

    assert [header.split() for header in found] == [header.split() for header in headers]
    assert read_people(api, "title", "first_name", "email") == [("x", "Ada", "ada@example.com")]


# 14. Rows without an address.
def test_rows_that_have_only_a_phone_are_not_dropped(api: ApiClient) -> None:
    rows = [["Vorname", "E-Mail", "Telefon"]]
    rows += [
        [f"Ada{number}", "" if number % 6 else f"ada{number}@example.com", f"+49171{number:06}"]
        for number in range(1_112)
    ]
    file = upload(api, write_csv(rows))

    counts = run(api, stage(api, file, {"columns": [NAME, EMAIL, custom("Telefon", "phone", "text")]}))

    assert counts["person"]["created"] == 1_112
    assert sum(not email for (email,) in read_people(api, "email")) == 926
    assert len({fields["phone"] for (fields,) in read_people(api, "custom_fields")}) == 1_112


# 15. Undo.
def test_an_import_that_updated_is_undone_to_the_byte(api: ApiClient) -> None:
    api.run(
        {"company": [{"name": "Reds"}], "person": [{"First Name": "Ada", "Email": "ada@example.com", "Title": "CEO"}]}
    )
    rows = [["Vorname", "E-Mail", "Firma", "Jobtitel"], ["Ada", "ADA@example.com", "Reds", "Chair"]]
    rows.append(["Bob", "bob@example.com", "Blues", "Clerk"])
    file = upload(api, write_csv(rows))
    records = "companies_company", "people_person"
    before = take_snapshot()
    import_ = stage(api, file, on_duplicate="update")

    counts = run(api, import_)
    changed = read_people(api, "title")
    assert api.request("PATCH", f"{import_['path']}/revert").status_code == 200

    after = take_snapshot()
    assert (counts["person"]["updated"], counts["person"]["created"]) == (1, 1)
    assert changed == [("Chair",), ("Clerk",)]
    assert {table: after[table] for table in records} == {table: before[table] for table in records}


def test_options_are_corrected_without_another_upload(api: ApiClient) -> None:
    file = upload(api, write_csv([["Vorname", "E-Mail"], ["Željko", "z@example.com"]], "cp1250"))

    response = send_options(api, file, encoding="windows-1252")

    assert response.status_code == 200
    sample = document_of(response)["data"]["attributes"]["columns"][0]["samples"][0]
    assert json.dumps(sample) == json.dumps("Željko".encode("cp1250").decode("cp1252"))
