"""Error files: the rows that have errors as CSV and XLSX, and the way back in."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import xlsxwriter
from django.utils import timezone

from importsvc.errors import Conflict
from importsvc.files.errors import FilePruned
from importsvc.files.models import ImportFile
from importsvc.files.reading.opening import open_table
from importsvc.files.reading.tables import ReadOptions
from importsvc.files.services import prune_import_files, update_import_file
from importsvc.imports.models import Import
from importsvc.imports.services import (
    correct_row,
    create_import,
    create_import_from_file,
    delete_row,
    list_rows,
    replace_value,
    select_errors,
    update_import,
)
from importsvc.spool import SpooledFile
from people.services import NewOrganization
from tests.client import ApiClient
from tests.files.builders import Bytes, change_part
from tests.files.uploads import upload
from tests.imports.services.error_file_steps import MAPPING, stage_file, write

CUSTOMERS = (
    "Vorname;E-Mail;Firma;Währung;Größe;Notiz\r\n"
    "Ada;ada@example.com;Blues;EUR;1,5;=1+1\r\n"
    "\r\n"
    "Bob;bob;Reds;Euro;2,5;'=quoted\r\n"
    '"Cid\nJr";cid@example.com;Blues;EUR;3;007\r\n'
    "Dan;dan;Blues;USD;4;-5\r\n"
).encode("cp1252")


def stage(api: ApiClient, content: bytes = CUSTOMERS, mapping: Any = MAPPING, **more: Any) -> Import:
    return stage_file(api, content, mapping, **more)


def read_csv(content: bytes, separator: str = ";") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=separator))


HEADER = ["import_id", "import_row", "import_errors", "Vorname", "E-Mail", "Firma", "Währung", "Größe", "Notiz"]


def test_lines_with_errors_are_written_whole_with_the_reasons(api: ApiClient) -> None:
    import_ = stage(api)

    content = write(import_)

    assert content.startswith("\N{BYTE ORDER MARK}import_id;import_row;import_errors;Vorname".encode())
    assert read_csv(content) == [
        HEADER,
        [
            str(import_.pk),
            "company 2, person 2",
            "company: Default currency is not a currency code; person: Email is not an email",
            *("Bob", "bob", "Reds", "Euro", "2,5", "''=quoted"),
        ],
        [
            str(import_.pk),
            "person 4",
            "Email is not an email; Company has another default currency than in line 2: USD instead of EUR",
            *("Dan", "dan", "Blues", "USD", "4", "'-5"),
        ],
    ]


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_an_error_file_goes_in_again_as_it_is_with_the_same_errors_and_cells(api: ApiClient, format_: str) -> None:
    first = stage(api)

    again = stage(api, write(first, format_))

    # What contradicts a line that has no errors is not in the file.
    assert (first.error_count, again.error_count) == (4, 3)
    assert read_csv(write(again), ";" if format_ == "csv" else ",")[1:] == [
        [
            str(again.pk),
            "company 1, person 1",
            "company: Default currency is not a currency code; person: Email is not an email",
            *("Bob", "bob", "Reds", "Euro", "2,5", "''=quoted"),
        ],
        [str(again.pk), "person 2", "Email is not an email", *("Dan", "dan", "Blues", "USD", "4", "'-5")],
    ]


def test_a_corrected_error_file_is_staged_without_errors(api: ApiClient) -> None:
    header, *rows = read_csv(write(stage(api)))
    text = io.StringIO(newline="")
    corrected = {"bob": "bob@example.com", "dan": "dan@example.com", "Euro": "EUR", "USD": "EUR"}
    csv.writer(text, delimiter=";").writerows([header, *([corrected.get(cell, cell) for cell in row] for row in rows)])

    assert stage(api, text.getvalue().encode("utf-8-sig")).error_count == 0


def test_cells_that_were_corrected_are_written_as_the_mapping_reads_them(api: ApiClient) -> None:
    import_ = stage(api)
    place: dict[str, Any] = {"organization": import_.organization, "import_id": import_.pk}
    correct_row(**place, record_type="person", row=2, cells={"custom_fields": {"size": 12.25}, "first_name": "Rob"})
    correct_row(**place, record_type="company", row=2, cells={"name": "Greens"})
    correct_row(**place, record_type="person", row=4, cells={"email": None})

    assert [row[3:] for row in read_csv(write(import_))[1:]] == [
        ["Rob", "bob", "Greens", "Euro", "12,25", "''=quoted"],
        ["Dan", "", "Blues", "USD", "4", "'-5"],
    ]


def test_an_import_without_errors_has_the_headers_only(api: ApiClient) -> None:
    import_ = stage(api, CUSTOMERS.split(b"\r\nBob")[0])

    assert (import_.error_count, read_csv(write(import_))) == (0, [HEADER])


def test_the_file_is_read_as_it_was_for_the_import(api: ApiClient) -> None:
    import_ = stage(api)
    before = write(import_)

    update_import_file(
        organization=import_.organization, file_id=import_.import_file_id or 0, options={"separator": ",", "quote": "'"}
    )

    assert write(import_) == before


def test_without_its_bytes_the_file_is_refused(api: ApiClient) -> None:
    import_ = stage(api)
    ImportFile.objects.filter(pk=import_.import_file_id or 0).update(created_at=timezone.now() - timedelta(days=900))
    prune_import_files()

    with pytest.raises(FilePruned, match="upload it again"):
        write(import_)


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_rows_without_a_file_have_the_columns_of_the_rows(api: ApiClient, format_: str) -> None:
    data = {
        "company": [{"Name": "Blues", "Default currency": "Euro"}],
        "person": [
            {"First name": " ", "Email": "a@b.example", "size": 1},
            {"first_name": "Bob"},
            {"Company": "Lost"},
            7,
        ],
    }
    import_ = create_import(
        organization=api.caller.organization, creator=api.caller.person, import_data=data, on_row_error="stage"
    )

    content = write(import_, format_)

    if format_ == "csv":
        header, *rows = read_csv(content, ",")
        assert header[3:] == [
            *("company.Name", "company.Default currency"),
            *("person.First name", "person.Email", "person.size", "person.Company"),
        ]
        assert [row[1] for row in rows] == ["company 1", "person 1", "person 3", "person 4"]
        assert rows[1][3:] == ["", "", " ", "a@b.example", "1", ""]
    file = upload(api, content, name=f"errors.{format_}")
    assert [column["header"] for column in file.columns][:3] == ["import_id", "import_row", "import_errors"]
    assert file.decimal_sign == "."
    targets = [column["proposal"] and column["proposal"]["targets"] for column in file.columns]
    assert targets == [
        *(None, None, None, ["company.name"], ["company.default_currency"]),
        *(["person.first_name"], ["person.email"], None, ["person.company"]),
    ]


def test_rows_of_a_request_that_replace_those_of_a_file_have_their_own_columns(api: ApiClient) -> None:
    import_ = stage(api)
    rows = {"person": [{"email": "a"}]}
    import_ = update_import(organization=import_.organization, import_id=import_.pk, import_data=rows, attributes={})

    assert read_csv(write(import_), ",") == [
        ["import_id", "import_row", "import_errors", "email"],
        [str(import_.pk), "person 1", "First name can't be blank; Email is not an email", "a"],
    ]


def test_cells_beyond_the_header_stay_beyond_it(api: ApiClient) -> None:
    content = b"Vorname,E-Mail\r\nAda,ada@example.com,more\r\n"
    import_ = stage(api, content, {"columns": MAPPING["columns"][:2]})

    assert read_csv(write(import_), ",")[1][3:] == ["Ada", "ada@example.com", "more"]


def test_a_cell_too_long_for_a_workbook_is_refused(api: ApiClient) -> None:
    import_ = stage(api, CUSTOMERS.replace(b"'=quoted", b"x" * 40_000))

    assert len(read_csv(write(import_))) == 3
    with pytest.raises(Conflict, match="more than 32,767 characters"):
        write(import_, "xlsx")


def test_a_text_that_looks_like_rich_text_stays_text(api: ApiClient) -> None:
    import_ = stage(api, CUSTOMERS.replace(b"'=quoted", b"<r><b>x & y</r>"))

    assert read_workbook(write(import_, "xlsx"))[1][-1] == "<r><b>x & y</r>"


def test_deleted_and_replaced_rows_leave_the_file(api: ApiClient) -> None:
    import_ = stage(api)
    place: dict[str, Any] = {"organization": import_.organization, "import_id": import_.pk}
    delete_row(**place, record_type="person", row=4)
    replace_value(**place, record_type="company", column="default_currency", old="Euro", to="EUR")

    assert [row[1] for row in read_csv(write(import_))[1:]] == ["person 2"]


def make_workbook(sheets: dict[str, list[list[Any]]]) -> bytes:
    content = io.BytesIO()
    workbook = xlsxwriter.Workbook(content, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
    for name, rows in sheets.items():
        sheet = workbook.add_worksheet(name)
        for number, row in enumerate(rows):
            for position, value in enumerate(row):
                if isinstance(value, str) and value.startswith("#"):
                    sheet.write_formula(number, position, f"={value}", None, value)
                elif isinstance(value, str):
                    sheet.write_string(number, position, value)
                else:
                    sheet.write(number, position, value)
    workbook.close()
    return content.getvalue()


def read_workbook(content: bytes, sheet: str | None = None) -> list[list[Any]]:
    spooled = SpooledFile()
    spooled.write(content)
    with open_table(spooled, ReadOptions("xlsx", sheet=sheet)) as table:
        return [list(table.headers), *(list(row.cells) for row in table.rows())]


def test_cells_of_a_workbook_keep_their_types(api: ApiClient) -> None:
    cells = ["=1+1", 12.5, 7, True, date(2026, 1, 31), datetime(2026, 1, 31, 12, 30), "007", "#N/A"]
    workbook = make_workbook({"A": [["Email", *"bcdefghi"], ["bad", *cells], ["a@b.example", "x"]]})
    mapping: dict[str, Any] = {"columns": [{"headers": ["Email"], "targets": ["person.email"]}], "ignored": ["*"]}
    mapping["columns"].append({"headers": ["b"], "targets": ["person.first_name"]})

    import_ = stage(api, workbook, mapping)

    content = write(import_, "xlsx")

    source = read_workbook(workbook)
    assert read_workbook(content) == [
        ["import_id", "import_row", "import_errors", *source[0]],
        [str(import_.pk), "person 1", "Email is not an email", *source[1]],
    ]
    assert source[1][1:-1] == cells[:-1]


def test_sheets_with_errors_are_sheets_again_and_not_csv(api: ApiClient) -> None:
    workbook = make_workbook(
        {"Firms": [["Name", "Cur"], ["Blues", "Euro"]], "Notes": [["x"]], "Staff": [["Who", "At"], ["Ada", "Reds"]]}
    )
    mapping = {
        "columns": [
            {"headers": ["Name"], "targets": ["company.name"], "sheet": "Firms"},
            {"headers": ["Cur"], "targets": ["company.default_currency"], "sheet": "Firms"},
            {"headers": ["Who"], "targets": ["person.first_name"], "sheet": "Staff"},
            {"headers": ["At"], "targets": ["person.company"], "sheet": "Staff"},
        ]
    }
    import_ = stage(api, workbook, mapping)

    content = write(import_, "xlsx")

    assert read_workbook(content, "Firms")[1:] == [
        [str(import_.pk), "company 1", "Default currency is not a currency code", "Blues", "Euro"]
    ]
    assert read_workbook(content, "Staff")[1:] == [[str(import_.pk), "person 1", "Company must exist", "Ada", "Reds"]]
    assert stage(api, content, mapping).error_count == import_.error_count == 2
    with pytest.raises(Conflict, match=r"ask for errors\.xlsx"):
        write(import_)


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_an_error_file_is_read_and_mapped_as_the_file_of_its_import(api: ApiClient, format_: str) -> None:
    content = (
        b"Vorname;E-Mail;Geburtstag;Umsatz;Notiz\r\n"
        b"Ada;ada@example.com;31.12.1999;1.234,50;x\r\n"
        b"Bob;bob;01.02.2003;1.234;y\r\n"
    )
    mapping: dict[str, Any] = {
        "columns": [
            *MAPPING["columns"][:2],
            {"headers": ["Geburtstag"], "targets": ["person.custom_fields.born"], "kind": "date"},
            {"headers": ["Umsatz"], "targets": ["person.custom_fields.revenue"], "kind": "number"},
        ],
        "ignored": ["Notiz"],
    }
    first = stage(api, content, mapping)

    file = upload(api, write(first, format_))

    # Of its only row, both could be read in two ways.
    assert (file.date_order, file.decimal_sign) == ("dmy", ",")
    for name, value in (("date_order", "dmy"), ("decimal_sign", ",")):
        assert file.guesses[name] == {"value": value, "confidence": 1.0}
    assert file.proposed_mapping == {**(first.mapping or {}), "formats": {"date_order": "dmy", "decimal_sign": ","}}
    assert [column["proposal"] and column["proposal"]["how"] for column in file.columns] == [
        *(None, None, None, "saved", "saved", "saved", "saved", None)
    ]
    again = create_import_from_file(
        organization=first.organization,
        creator=first.creator,
        import_file_id=file.pk,
        mapping=file.proposed_mapping,
    )
    assert again.error_count == 1
    (row,) = list_rows(organization=first.organization, import_id=again.pk)[0:1]
    assert row.cells["custom_fields"] == {"born": "2003-02-01", "revenue": 1234}


SHEETS: dict[str, list[list[Any]]] = {
    "Notes": [["x"]],
    "Staff": [
        ["Who", "At", "Mail"],
        ["Ada", "Reds", "bad"],
        ["Bob", "Blues", "bob@example.com"],
        ["Cid", "Blues", "c"],
    ],
    "Firms": [["Who", "Cur"], ["Blues", "Euro"]],
}
MAPPING_OF_SHEETS: dict[str, Any] = {
    "columns": [
        {"headers": ["Who"], "targets": ["company.name"], "sheet": "Firms"},
        {"headers": ["Cur"], "targets": ["company.default_currency"], "sheet": "Firms"},
        {"headers": ["Who"], "targets": ["person.first_name"], "sheet": "Staff"},
        {"headers": ["At"], "targets": ["person.company"], "sheet": "Staff"},
        {"headers": ["Mail"], "targets": ["person.email"], "sheet": "Staff"},
    ],
}


def test_an_error_file_of_several_sheets_has_their_order_and_is_mapped_as_they_were(api: ApiClient) -> None:
    first = stage(api, make_workbook(SHEETS), MAPPING_OF_SHEETS)

    content = write(first, "xlsx")

    file = upload(api, content, name="errors.xlsx")
    assert [sheet["name"] for sheet in file.sheets] == ["Staff", "Firms"]
    assert [[row[1] for row in read_workbook(content, name)[1:]] for name in ("Staff", "Firms")] == [
        ["person 1", "person 3"],
        ["company 1"],
    ]
    assert file.proposed_mapping == first.mapping
    assert [column["proposal"] and column["proposal"]["targets"] for column in file.columns] == [
        *(None, None, None, ["person.first_name"], ["person.company"], ["person.email"])
    ]
    other = update_import_file(organization=file.organization, file_id=file.pk, options={"sheet": "Firms"})
    assert other.proposed_mapping == first.mapping
    assert [column["proposal"] and column["proposal"]["targets"] for column in other.columns] == [
        *(None, None, None, ["company.name"], ["company.default_currency"])
    ]
    assert stage(api, content, file.proposed_mapping).error_count == first.error_count == 4


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_an_error_file_of_one_of_several_sheets_has_the_mapping_of_this_sheet(api: ApiClient, format_: str) -> None:
    first = stage(api, make_workbook({**SHEETS, "Firms": [["Who", "Cur"], ["Blues", "EUR"]]}), MAPPING_OF_SHEETS)

    file = upload(api, write(first, format_), name=f"errors.{format_}")

    columns = [dict(column) for column in MAPPING_OF_SHEETS["columns"][2:]]
    for column in columns if format_ == "csv" else ():
        del column["sheet"]
    # Companies were listed, so a name that is not among them stays an error.
    assert file.proposed_mapping == {**(first.mapping or {}), "columns": columns, "missing_companies": "error"}
    again = stage(api, write(first, format_), file.proposed_mapping)
    assert list_messages(again) == [
        "Email is not an email",
        "Company must exist",
        "Email is not an email",
        "Company must exist",
    ]


def test_an_error_file_of_csv_that_fits_two_sheets_is_mapped_as_any_file(api: ApiClient) -> None:
    sheets = {"Old": [["Name", "Mail"], ["Ada", "bad"]], "New": [["Name", "Mail"], ["Bob", "bob@example.com"]]}
    columns: list[dict[str, Any]] = [
        {"headers": ["Mail"], "targets": ["person.email"], "sheet": "Old"},
        {"headers": ["Name"], "targets": ["person.first_name"], "sheet": "Old"},
        {"headers": ["Mail"], "targets": ["person.email"], "sheet": "New"},
        {"headers": ["Name"], "targets": ["person.first_name"], "sheet": "New", "values": {"X": "Y"}},
    ]
    same = [*columns[:3], {**columns[1], "sheet": "New"}]
    found = []
    for each in (columns, same):
        content = write(stage(api, make_workbook(sheets), {"columns": each}))
        file = upload(api, content)
        hows = {column["header"]: column["proposal"] and column["proposal"]["how"] for column in file.columns}
        found.append([hows[header] for header in ("Name", "Mail")])

    assert found == [["synonym", None], ["saved", "saved"]]


def test_a_value_in_another_format_than_that_of_the_import_is_a_row_error(api: ApiClient) -> None:
    first = stage(api)
    corrected = write(first).replace(b"2,5", b"2.5")

    again = stage(api, corrected, upload(api, corrected).proposed_mapping)

    messages = list(select_errors(again).filter(column="custom_fields").values_list("message", flat=True))
    assert messages == ["Custom fields has 'size', which is not a number with ',' as the decimal sign"]


def test_formats_of_an_error_file_can_be_set(api: ApiClient) -> None:
    file = upload(api, write(stage(api)))

    changed = update_import_file(organization=file.organization, file_id=file.pk, options={"decimal_sign": "."})

    assert (changed.decimal_sign, changed.guesses["decimal_sign"]["value"]) == (".", ",")


def test_the_error_file_of_another_organization_or_of_no_import_is_a_file_as_any_other(
    api: ApiClient, globex: NewOrganization
) -> None:
    content = write(stage(api))
    import_id = content.splitlines()[1].split(b";")[0]

    for file in (
        upload(ApiClient(globex), content),
        upload(api, content.replace(b"\n" + import_id, b"\n0")),
        upload(api, content.replace(b"\n" + import_id, b"\nx")),
        upload(api, content.replace(b"\n" + import_id, b"\n" + b"9" * 30)),
    ):
        assert file.guesses["decimal_sign"] == {"value": ",", "confidence": 0.95}
        assert [column["proposal"] and column["proposal"]["how"] for column in file.columns] == [
            *(None, None, None, "synonym", None, "synonym", None, None, None)
        ]


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_an_error_cell_of_a_workbook_is_an_error_again(api: ApiClient, format_: str) -> None:
    workbook = make_workbook({"A": [["Vorname", "Position"], ["#N/A", "#REF!"], ["Ada", "#N/A"], ["Bob", "x"]]})
    mapping = {
        "columns": [
            {"headers": ["Vorname"], "targets": ["person.first_name"]},
            {"headers": ["Position"], "targets": ["person.title"]},
        ]
    }
    first = stage(api, workbook, mapping)

    again = stage(api, write(first, format_), mapping)

    assert (
        list_messages(again)
        == list_messages(first)
        == [
            "First name is the error #N/A of the workbook",
            "Title is the error #REF! of the workbook",
            "Title is the error #N/A of the workbook",
        ]
    )


@pytest.mark.parametrize(
    ("format_", "read_again"), [("csv", ["#SPILL!", "Err:502", "#VALUE!"]), ("xlsx", ["#VALUE!"] * 3)]
)
def test_errors_that_a_format_does_not_hold_are_errors_again(
    api: ApiClient, format_: str, read_again: list[str]
) -> None:
    texts = ["#SPILL!", "Err:502", "#BEZUG!"]
    rows = [["Vorname"], *(["#N/A"] for _ in texts), ["#SPILL!x"]]
    workbook = Bytes(make_workbook({"A": rows}), "errors.xlsx")
    for text in texts:
        workbook = change_part(workbook, "xl/worksheets/sheet1.xml", partial(replace_first_error, text=text))
    mapping = {"columns": [{"headers": ["Vorname"], "targets": ["person.first_name"]}]}
    first = stage(api, workbook.content, mapping)

    again = stage(api, write(first, format_), mapping)

    assert list_messages(first) == [f"First name is the error {text} of the workbook" for text in texts]
    assert list_messages(again) == [f"First name is the error {text} of the workbook" for text in read_again]


def replace_first_error(part: bytes, *, text: str) -> bytes:
    return part.replace(b"<v>#N/A<", f"<v>{text}<".encode(), 1)


def test_a_number_of_a_workbook_is_the_same_number_in_csv(api: ApiClient) -> None:
    workbook = make_workbook({"A": [["Vorname", "E-Mail", "Größe"], ["Ada", "bad", 1.234]]})
    first = stage(api, workbook, {"columns": [*MAPPING["columns"][:2], MAPPING["columns"][4]]})

    content = write(first)

    assert read_csv(content, ",")[1][3:] == ["Ada", "bad", "1.234"]
    again = stage(api, content, upload(api, content).proposed_mapping)
    (row,) = list_rows(organization=first.organization, import_id=again.pk)[0:1]
    assert row.cells["custom_fields"] == {"size": 1.234}


def test_a_text_that_looks_like_an_error_cell_is_text_again(api: ApiClient) -> None:
    import_ = stage(api, CUSTOMERS.replace(b"Bob", b"#N/A"))

    content = write(import_)

    assert b"'#N/A;bob" in content
    again = stage(api, content)
    assert list_messages(again) == ["Default currency is not a currency code", *["Email is not an email"] * 2]


def list_messages(import_: Import) -> list[str]:
    ordered = select_errors(import_).order_by("record_type", "row", "number")
    return list(ordered.values_list("message", flat=True))
