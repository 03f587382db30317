"""Workbooks: cells as the workbook shows them, rows that are hidden or blank, sheets, and what is refused."""

from __future__ import annotations

import io
import re
import socket
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from importsvc.files.reading.archives import WorkbookLimits
from importsvc.files.reading.detecting import detect
from importsvc.files.reading.detection import DetectedSheet, Guess
from importsvc.files.reading.tables import Fault, ReadOptions
from tests.files.builders import Bytes, OnDisk, change_part, make_workbook, read, refuse

SHEET = "xl/worksheets/sheet1.xml"
XLSX = ReadOptions("xlsx", header_row=1)

# Made with LibreOffice 7.4 from the workbook of ``fill_with_everything``.
LIBREOFFICE = Path(__file__).parent / "libreoffice"


def fill_with_everything(workbook: Any, sheet: Any) -> None:
    zeros, day = workbook.add_format({"num_format": "00000"}), workbook.add_format({"num_format": "dd.mm.yyyy"})
    moment, hour = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm"}), workbook.add_format({"num_format": "hh:mm"})
    sheet.write_row(0, 0, ["ZIP", "Date", "Formula", "Number"])
    sheet.write_number(1, 0, 1234, zeros)
    sheet.write_datetime(1, 1, datetime(2024, 2, 3), day)
    sheet.write_formula(1, 2, '="a"&"b"', None, "ab")
    sheet.write_number(1, 3, 3)
    sheet.write_string(2, 0, "01067")
    sheet.write_datetime(2, 1, datetime(2024, 2, 3, 4, 5), moment)
    sheet.write_formula(2, 2, "=1/0", None, "#DIV/0!")
    sheet.write_number(2, 3, 0.25, workbook.add_format({"num_format": "0%"}))
    sheet.set_row(3, None, None, {"hidden": True})
    sheet.write_number(3, 0, 7, zeros)
    sheet.write_datetime(3, 1, time(4, 5), hour)
    sheet.write_string(3, 2, "#N/A")
    sheet.write_string(3, 3, "_x000D_ & <ä>")
    sheet.merge_range(5, 0, 5, 1, "merged")
    sheet.write_blank(8, 0, None, zeros)


DIVISION = Fault("#DIV/0!", "is the error #DIV/0! of the workbook", is_error=True)
EVERYTHING = [
    (2, ["01234", date(2024, 2, 3), "ab", 3]),
    (3, ["01067", datetime(2024, 2, 3, 4, 5), DIVISION, 0.25]),
    (4, ["00007", time(4, 5), "#N/A", "_x000D_ & <ä>"]),
    (5, []),
    (6, ["merged"]),
]


@pytest.mark.parametrize("is_1904", [False, True])
def test_cells_are_what_the_workbook_shows(is_1904: bool) -> None:
    source = make_workbook(fill=fill_with_everything, options={"date_1904": is_1904})

    assert detect(source).sheets == [DetectedSheet("Data", 6, hidden_row_count=1, trailing_blank_row_count=1)]
    assert read(source, XLSX) == (["ZIP", "Date", "Formula", "Number"], EVERYTHING)


@pytest.mark.parametrize("name", ["everything.ods", "everything.xlsx"])
def test_files_of_libreoffice_are_read_like_those_of_excel(name: str) -> None:
    source = OnDisk(LIBREOFFICE / name)
    detection = detect(source)

    assert detection.sheets[0].row_count == 6
    assert detection.sheets[0].hidden_row_count == 1
    assert read(source, detection.options()) == (["ZIP", "Date", "Formula", "Number"], EVERYTHING)


def test_files_of_openpyxl_are_read_like_those_of_excel() -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.append(["ZIP", "Date", "Formula", "Error"])
    sheet.append([1234, datetime(2024, 2, 3), "=A2", "#N/A"])
    sheet["A2"].number_format = "00000"
    sheet["D2"].data_type = "e"
    content = io.BytesIO()
    workbook.save(content)

    # openpyxl does not compute formulas, so this cell has no value.
    assert read(Bytes(content.getvalue()), XLSX)[1] == [
        (2, ["01234", date(2024, 2, 3), None, Fault("#N/A", "is the error #N/A of the workbook", is_error=True)])
    ]


def test_the_tags_of_a_sheet_may_have_a_prefix() -> None:
    def add_prefix(part: bytes) -> bytes:
        return re.sub(rb"<(/?)(\w)", rb"<\1x:\2", part).replace(b"xmlns=", b"xmlns:x=")

    source = change_part(make_workbook(fill=fill_with_everything), SHEET, add_prefix)

    assert detect(source).sheets == [DetectedSheet("Data", 6, hidden_row_count=1, trailing_blank_row_count=1)]
    assert read(source, XLSX)[1] == EVERYTHING


def test_error_cells_that_repeat_in_ods_are_errors_in_every_cell() -> None:
    error = (
        b'<table:table-row table:number-rows-repeated="2"><table:table-cell office:value-type="string" '
        b'table:number-columns-repeated="2" calcext:value-type="error"><text:p>#REF!</text:p></table:table-cell>'
        b"</table:table-row><table:table-row"
    )
    source = change_part(
        Bytes((LIBREOFFICE / "everything.ods").read_bytes()),
        "content.xml",
        lambda part: part.replace(b"<table:table-row", error, 1),
    )
    fault = Fault("#REF!", "is the error #REF! of the workbook", is_error=True)

    assert read(source, ReadOptions("ods", header_row=0))[1][:3] == [
        (1, [fault, fault]),
        (2, [fault, fault]),
        (3, ["ZIP", "Date", "Formula", "Number"]),
    ]


def test_of_two_rows_of_headers_the_second_one_names_the_columns() -> None:
    people = [["Ada", "Lee", "Blues", "EUR", "ada@acme.test"], ["Bo", "", "Blues", "", "bo@acme.test"]]
    groups, names = ["Person", "", "Company", "", "Contact"], ["First name", "Last name", "Name", "Currency", "E-mail"]

    assert detect(make_workbook([groups, names, *people])).header_row == Guess(2, 0.7, 2)
    # Data below a header that lacks a name is no header.
    assert detect(make_workbook([["First", "", "Company", "", "Contact"], *people])).header_row == Guess(1, 0.95, 1)
    assert detect(make_workbook([["A", "", "B"], ["Ada", "x", "Blues"], ["Bo", "y", "Reds"]])).header_row.value == 1
    assert detect(make_workbook([names, *people])).header_row == Guess(1, 0.95, 1)


def test_a_table_may_start_anywhere_in_the_sheet() -> None:
    source = make_workbook([["Contacts of 2024"], [], ["", "Name", "ZIP"], ["", "Ada", "01067"]])

    assert detect(source).header_row.value == 3
    assert read(source) == (["Column 1", "Name", "ZIP"], [(4, ["", "Ada", "01067"])])


def test_a_sheet_without_a_header_has_numbered_columns() -> None:
    source = make_workbook([["Ada", 36], ["Bob", 41]])

    assert read(source) == (["Column 1", "Column 2"], [(1, ["Ada", 36]), (2, ["Bob", 41])])


def test_the_first_visible_sheet_that_has_a_value_is_read_unless_another_is_named() -> None:
    def fill(workbook: Any, sheet: Any) -> None:
        sheet.write_string(0, 0, "secret")
        workbook.add_worksheet("Empty").activate()
        sheet.hide()
        workbook.add_worksheet("A & B").write_column(0, 0, ["Name", "Ada"])

    source = make_workbook(fill=fill)

    assert [sheet.name for sheet in detect(source).sheets] == ["Data", "Empty", "A & B"]
    assert detect(source).sheet.value == "A & B"
    assert read(source, ReadOptions("xlsx", sheet="Data", header_row=0))[1] == [(1, ["secret"])]
    refused = refuse(source, ReadOptions("xlsx", sheet="data"))
    assert (refused.code, refused.detail) == (
        "sheet_unknown",
        "The workbook has no sheet 'data'; it has 'Data', 'Empty', 'A & B'.",
    )


def test_a_formula_is_text_and_macros_are_not_run() -> None:
    source = make_workbook([["Name"], ["=cmd|' /C calc'!A0"]])
    macros = change_part(
        source, "[Content_Types].xml", lambda part: part.replace(b"sheet.main", b"sheet.macroEnabled.main")
    )

    assert read(macros, XLSX)[1] == [(2, ["=cmd|' /C calc'!A0"])]


def test_links_to_other_files_are_not_followed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"

        def fill(_: Any, sheet: Any) -> None:
            sheet.write_url(0, 0, f"{url}/link", None, "Name")
            sheet.write_formula(1, 0, f"='{url}/[other.xlsx]Data'!A1", None, "as it was saved")
            sheet.write_formula(2, 0, f'=WEBSERVICE("{url}/service")', None, "and this")

        rows = read(make_workbook(fill=fill), XLSX)

        assert rows == (["Name"], [(2, ["as it was saved"]), (3, ["and this"])])
        with pytest.raises(BlockingIOError):
            server.accept()


def test_the_header_must_be_within_the_sheet() -> None:
    refused = refuse(make_workbook([["Name"], ["Ada"]]), ReadOptions("xlsx", header_row=3))

    assert (refused.code, refused.line, refused.sheet) == ("no_header", 3, "Data")


def test_a_workbook_with_a_password_is_refused() -> None:
    source = make_workbook([["Name"]])
    content = bytearray(source.content)
    with zipfile.ZipFile(source.open()) as archive:
        for member in archive.infolist():
            content[member.header_offset + 6] |= 1
    for found in re.finditer(b"PK\x01\x02", source.content):
        content[found.start() + 8] |= 1

    assert refuse(Bytes(bytes(content)), XLSX).code == "workbook_encrypted"


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("xl/workbook.xml", lambda part: b"<workbook"),
        ("xl/_rels/workbook.xml.rels", lambda part: b""),
        (SHEET, lambda part: part[: len(part) // 2] + b"\xff<<<"),
        ("xl/sharedStrings.xml", lambda part: b"<sst><si>"),
        (SHEET, lambda part: part.replace(b"<v>0</v>", b"<v>99</v>")),
        ("xl/workbook.xml", lambda part: part.replace(b'"UTF-8"', b'"UTF-X"')),
        ("xl/workbook.xml", lambda part: part.replace(b'"UTF-8"', b'"shift_jis"')),
    ],
)
def test_a_damaged_part_is_an_error_and_not_a_crash(part: str, change: Any) -> None:
    source = change_part(make_workbook([["Name"], ["Ada"]]), part, change)

    assert refuse(source).code in ("workbook_damaged", "empty_file")


def test_an_error_in_a_column_far_away_needs_no_memory() -> None:
    far = b'<c r="ZZZZZZ2" t="e"><v>#N/A</v></c></row></sheetData>'
    source = change_part(
        make_workbook([["Name"], ["Ada"]]), SHEET, lambda part: part.replace(b"</row></sheetData>", far)
    )

    assert refuse(source).code == "too_many_columns"
    assert refuse(source, XLSX).code in ("workbook_damaged", "workbook_too_large", "too_many_columns")


def test_a_workbook_that_is_cut_off_or_changed_is_refused() -> None:
    source = make_workbook([["Name"], *([f"name {n}"] for n in range(500))])
    with zipfile.ZipFile(source.open()) as archive:
        offset = archive.getinfo(SHEET).header_offset + 200
    changed = source.content[:offset] + b"\x00" * 20 + source.content[offset + 20 :]

    assert refuse(Bytes(source.content[:-30])).code == "workbook_damaged"
    assert refuse(Bytes(changed)).code == "workbook_damaged"


def test_a_document_type_definition_is_refused_before_anything_reads_it() -> None:
    definition = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><sst>&e;</sst>'
    source = change_part(make_workbook([["Name"], ["Ada"]]), "xl/sharedStrings.xml", lambda part: definition)

    refused = refuse(source)

    assert (refused.code, "document type definition" in refused.detail) == ("workbook_damaged", True)


def test_a_part_that_is_larger_than_it_says_is_refused() -> None:
    size = 3_000_000
    source = change_part(make_workbook([["Name"], ["Ada"]]), "xl/sharedStrings.xml", lambda part: part + b" " * size)
    limits = WorkbookLimits(unpacked_bytes=2 << 20)
    with zipfile.ZipFile(source.open()) as archive:
        declared = archive.getinfo("xl/sharedStrings.xml").file_size.to_bytes(4, "little")
    assert source.content.count(declared) == 2
    lying = Bytes(source.content.replace(declared, (100).to_bytes(4, "little")))

    for bomb in (source, lying):
        refused = refuse(bomb, limits=limits)
        assert (refused.code, refused.detail) == (
            "workbook_too_large",
            "The workbook is larger than 2 MB without compression. Split it, or save it as .csv.",
        )


@pytest.mark.parametrize(
    "limits", [WorkbookLimits(memory_bytes=256 << 20), WorkbookLimits(processor_seconds=0)], ids=["memory", "time"]
)
def test_a_workbook_that_needs_too_much_ends_its_process_and_is_refused(limits: WorkbookLimits) -> None:
    source = make_workbook(fill=lambda _, sheet: [sheet.write(0, 0, "a"), sheet.write(900_000, 900, "b")])

    refused = refuse(source, XLSX, limits)

    assert refused.code == "workbook_too_large"
    assert refused.detail.startswith("Reading the workbook takes too much memory or time.")


def test_a_sheet_has_at_most_1048576_rows() -> None:
    source = change_part(
        make_workbook([["Name"], ["Ada"]]),
        SHEET,
        lambda part: part.replace(b"</sheetData>", b'<row r="1048577"><c r="A1048577"><v>1</v></c></row></sheetData>'),
    )

    refused = refuse(source)

    assert (refused.code, refused.line, refused.sheet) == ("too_many_rows", 1_048_577, "Data")
    assert refuse(source, XLSX).code == "too_many_rows"


def test_a_sheet_has_at_most_1000_columns_and_cells_without_a_value_do_not_count() -> None:
    def fill(workbook: Any, sheet: Any) -> None:
        sheet.write(0, 999, "last")
        sheet.write_blank(0, 16_383, None, workbook.add_format({"bold": True}))

    assert len(read(make_workbook([["first"]], fill=fill), XLSX)[0]) == 1_000

    source = make_workbook([["first"]], fill=lambda _, sheet: sheet.write(1, 1_000, "beyond"))
    refused = refuse(source)
    assert (refused.code, refused.line, refused.column) == ("too_many_columns", 2, 1_001)
    assert refuse(source, XLSX).code == "too_many_columns"
