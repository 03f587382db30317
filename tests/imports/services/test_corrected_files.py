"""A corrected error file is merged into the rows that it is of."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest

from importsvc.errors import Conflict, DomainError, InvalidAttribute, PreconditionFailed, RecordNotFound
from importsvc.imports.errors import WrongState
from importsvc.imports.models import Import
from importsvc.imports.selectors import read_version
from importsvc.imports.services import (
    correct_from_file,
    correct_row,
    corrected_files,
    create_import,
    list_rows,
    run_import,
    select_errors,
)
from importsvc.spool import SpooledFile
from people.services import NewOrganization
from tests.client import ApiClient
from tests.files.builders import make_workbook
from tests.imports.services.error_file_steps import MAPPING, stage_file, write

# A wrong address, a currency of no company, and another currency than the same company has before.
CUSTOMERS = (
    "Vorname;E-Mail;Firma;Währung;Größe;Notiz\r\n"
    "Ada;ada@example.com;Blues;EUR;1,5;=1+1\r\n"
    "Bob;bob;Reds;Euro;2,5;'=quoted\r\n"
    "Cid;cid@example.com;Blues;EUR;3;007\r\n"
    "Dan;dan;Blues;USD;4;-5\r\n"
).encode("cp1252")
Edit = Callable[[list[list[Any]]], None]


def stage(api: ApiClient, content: bytes = CUSTOMERS, mapping: Any = MAPPING, **more: Any) -> Import:
    return stage_file(api, content, mapping, **{"on_row_error": "skip", **more})


def edit_csv(content: bytes, edit: Edit) -> bytes:
    """The file with its lines edited, the first of which is the header."""
    lines: list[list[Any]] = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))
    edit(lines)
    target = io.StringIO()
    csv.writer(target, delimiter=";").writerows(lines)
    return target.getvalue().encode()


def edit_xlsx(content: bytes, edit: Edit) -> bytes:
    """Likewise of each sheet of a workbook, as a spreadsheet program does it."""
    workbook = openpyxl.load_workbook(io.BytesIO(content))
    for sheet in workbook.worksheets:
        lines = [list(row) for row in sheet.iter_rows(values_only=True)]
        edit(lines)
        sheet.delete_rows(1, sheet.max_row)
        for line in lines:
            sheet.append(line)
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


EDITS = {"csv": edit_csv, "xlsx": edit_xlsx}


def merge(import_: Import, content: bytes, **options: Any) -> tuple[Import, int]:
    spooled = SpooledFile()
    spooled.write(content)
    creator = import_.creator
    chosen: dict[str, Any] = {"organization": import_.organization, "creator": creator, "import_id": import_.pk}
    return correct_from_file(content=spooled, **{**chosen, **options})


def put(header: str, **values: Any) -> Edit:
    """Puts values into a column, by the first name of their line."""

    def edit(lines: list[list[Any]]) -> None:
        column, name = lines[0].index(header), lines[0].index("Vorname")
        for line in lines[1:]:
            line[column] = values.get(line[name], line[column])

    return edit


def read(import_: Import, record_type: str = "person") -> dict[int, Any]:
    """The cells of all rows of a type by their number."""
    rows = list_rows(organization=import_.organization, import_id=import_.pk, record_types={record_type})
    return {row.row: row.cells for row in rows[:100]}


@pytest.mark.parametrize("format_", EDITS)
def test_its_cells_are_written_into_the_rows_that_it_names_and_these_are_checked_again(
    api: ApiClient, format_: str
) -> None:
    import_ = stage(api)
    before = read(import_)

    def edit(lines: list[list[Any]]) -> None:
        put("E-Mail", Bob="bob@example.com", Dan="dan@example.com")(lines)
        put("Währung", Bob="EUR", Dan="EUR")(lines)
        put("Größe", Bob="7,5")(lines)
        lines[1:] = reversed(lines[1:])

    merged, count = merge(import_, EDITS[format_](write(import_, format_), edit))

    assert (merged.error_count, count) == (0, 3)
    assert read(import_) == {
        1: before[1],
        2: {"first_name": "Bob", "email": "bob@example.com", "custom_fields": {"size": 7.5}, "company": "Reds"},
        3: before[3],
        4: {"first_name": "Dan", "email": "dan@example.com", "custom_fields": {"size": 4}, "company": "Blues"},
    }
    assert read(import_, "company") == {
        1: {"name": "Blues", "default_currency": "EUR"},
        2: {"name": "Reds", "default_currency": "EUR"},
    }
    assert Import.objects.count() == 1


@pytest.mark.parametrize("format_", EDITS)
def test_a_file_that_was_not_edited_changes_nothing(api: ApiClient, format_: str) -> None:
    import_ = stage(api)
    correct_row(
        organization=import_.organization, import_id=import_.pk, record_type="person", row=2, cells={"email": "bo"}
    )
    import_ = Import.objects.get()
    version = read_version(organization=import_.organization, import_id=import_.pk)

    assert merge(import_, write(import_, format_))[1] == 0

    assert read_version(organization=import_.organization, import_id=import_.pk) == version


def test_rows_that_were_corrected_since_are_left_as_they_are(api: ApiClient) -> None:
    import_ = stage(api)
    content = edit_csv(write(import_), put("E-Mail", Bob="file@example.com", Dan="dan@example.com"))
    for record_type, cells in (("person", {"email": "page@example.com"}), ("company", {"default_currency": "EUR"})):
        correct_row(
            organization=import_.organization, import_id=import_.pk, record_type=record_type, row=2, cells=cells
        )

    merge(Import.objects.get(), content)

    assert [read(import_)[row]["email"] for row in (2, 4)] == ["page@example.com", "dan@example.com"]


def test_a_value_is_removed_and_a_line_may_be_missing(api: ApiClient) -> None:
    import_ = stage(api)

    def edit(lines: list[list[Any]]) -> None:
        put("E-Mail", Bob="", Dan="x")(lines)
        del lines[2]

    merge(import_, edit_csv(write(import_), edit))

    assert "email" not in read(import_)[2]
    assert read(import_)[4]["email"] == "dan"
    assert set(select_errors(import_).values_list("record_type", "row")) == {
        ("company", 2),
        ("person", 2),
        ("person", 4),
    }


def test_each_sheet_of_a_workbook_is_merged(api: ApiClient) -> None:
    def add_sheet(workbook: Any, _: Any) -> None:
        sheet = workbook.add_worksheet("More")
        sheet.write_row(0, 0, ["Vorname", "E-Mail"])
        sheet.write_row(1, 0, ["Eve", "eve"])

    columns = [
        {"headers": [header], "targets": [target], "sheet": sheet}
        for sheet in ("Data", "More")
        for header, target in {"Vorname": "person.first_name", "E-Mail": "person.email"}.items()
    ]
    import_ = stage(
        api, make_workbook([["Vorname", "E-Mail"], ["Ada", "ada"]], fill=add_sheet).content, {"columns": columns}
    )

    _, count = merge(import_, edit_xlsx(write(import_, "xlsx"), put("E-Mail", Ada="a@x.example", Eve="e@x.example")))

    assert count == 2
    assert {cells["email"] for cells in read(import_).values()} == {"a@x.example", "e@x.example"}


def change_cell(column: int, text: str) -> Edit:
    def edit(lines: list[list[Any]]) -> None:
        lines[2][column] = text

    return edit


REFUSED: dict[str, Edit] = {
    "This is not an error file: it has no columns": lambda lines: lines[0].__setitem__(0, "id"),
    "line 3 is of import '77'": change_cell(0, "77"),
    "line 3 is of no import": change_cell(0, ""),
    "Line 3 does not say in import_row which row it corrects": change_cell(1, "new"),
    "Line 3 does not say in import_row": change_cell(1, "person 9999999999"),
    "The file has no column 'E-Mail'": lambda lines: lines[0].__setitem__(4, "Post"),
    "The file has more than 1 rows.": lambda lines: None,
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_another_file_is_refused_with_a_sentence_and_nothing_is_changed(
    api: ApiClient, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = stage(api)
    before = read(import_)
    if "more than" in sentence:
        monkeypatch.setattr(corrected_files, "LARGEST", 1)

    def edit(lines: list[list[Any]]) -> None:
        put("E-Mail", Bob="bob@example.com")(lines)
        REFUSED[sentence](lines)

    with pytest.raises(InvalidAttribute, match=sentence):
        merge(import_, edit_csv(write(import_), edit))

    assert read(import_) == before


def test_imports_that_cannot_be_corrected_and_outdated_pages_are_refused(
    api: ApiClient, globex: NewOrganization
) -> None:
    import_ = stage(api)
    content = edit_csv(write(import_), put("E-Mail", Bob="bob@example.com"))
    of_json = create_import(
        organization=import_.organization,
        creator=import_.creator,
        import_data={"person": [{"first_name": "Ada", "email": "none"}]},
        on_row_error="stage",
    )
    refusals: list[tuple[type[DomainError], dict[str, Any]]] = [
        (PreconditionFailed, {"if_match": ["another"]}),
        (Conflict, {"import_id": of_json.pk}),
        (RecordNotFound, {"organization": globex.organization, "creator": globex.person}),
    ]
    for refusal, options in refusals:
        with pytest.raises(refusal):
            merge(import_, content, **options)
    run_import(organization=import_.organization, import_id=import_.pk)

    with pytest.raises(WrongState):
        merge(import_, content)
