"""What is detected in a file: guesses, columns, and what the caller says instead."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from importsvc.files.reading.detecting import detect
from importsvc.files.reading.detection import DetectedColumn, DetectedSheet, Detection, Guess
from importsvc.files.reading.sampling import HEAD
from importsvc.files.reading.tables import FileRefused, ReadOptions
from tests.files.builders import Bytes, make_text, make_workbook, read, refuse

NOTHING = Guess(None, 0.0, None)

# As German Excel exports it: windows-1252, semicolons, decimal commas, leading zeros.
EXCEL = (
    "Vorname;Nachname;E-Mail;PLZ;Telefon;Umsatz;Kunde seit;Währung;Aktiv;Web;Notiz\r\n"
    "Jürgen;Groß;j@gross.example;01067;+49 351 123456;1.234,50;03.04.2021;EUR;ja;https://gross.example;\r\n"
    "Zoë;Süß;zoe@suess.example;04103;0341 98765;12,5;31.12.2022;EUR;nein;www.suess.example;\r\n"
)


def test_everything_of_a_text_with_separators_is_detected() -> None:
    assert detect(make_text(EXCEL, "cp1252", "Kunden.csv")) == Detection(
        format=Guess("csv", 1.0, "csv"),
        encoding=Guess("windows-1252", 0.5, "windows-1252"),
        separator=Guess(";", 0.99, ";"),
        quote=Guess('"', 0.9, '"'),
        decimal_sign=Guess(",", 0.95, ","),
        date_order=Guess("dmy", 0.95, "dmy"),
        header_row=Guess(1, 0.95, 1),
        sheet=NOTHING,
        sheets=(),
        line_count=3,
        columns=[
            DetectedColumn(1, "Vorname", ["Jürgen", "Zoë"], 1.0, "text", distinct_rate=1.0),
            DetectedColumn(2, "Nachname", ["Groß", "Süß"], 1.0, "text", distinct_rate=1.0),
            DetectedColumn(3, "E-Mail", ["j@gross.example", "zoe@suess.example"], 1.0, "email", distinct_rate=1.0),
            DetectedColumn(4, "PLZ", ["01067", "04103"], 1.0, "text", distinct_rate=1.0),
            DetectedColumn(5, "Telefon", ["+49 351 123456", "0341 98765"], 1.0, "phone", distinct_rate=1.0),
            DetectedColumn(6, "Umsatz", ["1.234,50", "12,5"], 1.0, "number", distinct_rate=1.0),
            DetectedColumn(7, "Kunde seit", ["03.04.2021", "31.12.2022"], 1.0, "date", "dmy", distinct_rate=1.0),
            DetectedColumn(8, "Währung", ["EUR", "EUR"], 1.0, "currency", distinct_rate=0.5),
            DetectedColumn(9, "Aktiv", ["ja", "nein"], 1.0, "boolean", distinct_rate=1.0),
            DetectedColumn(10, "Web", ["https://gross.example", "www.suess.example"], 1.0, "url", distinct_rate=1.0),
            DetectedColumn(11, "Notiz", [], 0.0, "empty"),
        ],
        sampled_row_count=2,
    )


def test_what_the_caller_says_is_used_and_the_guess_is_still_shown() -> None:
    options = {
        "encoding": "latin1",
        "separator": ",",
        "quote": "",
        "header_row": 0,
        "decimal_sign": ".",
        "date_order": "mdy",
        "sheet": None,
    }

    detection = detect(make_text(EXCEL, "cp1252"), options=options)

    assert detection.options() == ReadOptions("csv", "iso-8859-1", ",", "", 0, None, ".", "mdy")
    assert detection.separator == Guess(";", 0.99, ",")
    assert detection.encoding.value == "windows-1252"
    assert detection.columns[0].header == "Column 1"


@pytest.mark.parametrize(
    ("options", "detail"),
    [
        ({"format": "xls"}, "The option format must be one of csv, xlsx, ods, json_lines, json."),
        ({"separator": "ab"}, "The option separator must be one character."),
        ({"separator": "\n"}, "The option separator must be one character."),
        ({"quote": "''"}, "The option quote must be one character, or empty."),
        ({"header_row": -1}, "The option header_row must be a number from 0 to 1000."),
        ({"header_row": True}, "The option header_row must be a number from 0 to 1000."),
        ({"header_row": 1_001}, "The option header_row must be a number from 0 to 1000."),
        ({"decimal_sign": ";"}, "The option decimal_sign must be . or ,."),
        ({"date_order": "ambiguous"}, "The option date_order must be dmy, mdy or ymd."),
        ({"sheet": 1}, "The option sheet must be the name of a sheet."),
        ({"encoding": 8}, "The option encoding must be the name of an encoding."),
        ({"separator": '"'}, "The separator and the quote must differ."),
    ],
)
def test_an_option_that_is_not_possible_is_refused(options: dict[str, Any], detail: str) -> None:
    with pytest.raises(FileRefused) as refused:
        detect(make_text(EXCEL), options=options)

    assert (refused.value.code, refused.value.detail) == ("option_invalid", detail)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "^", "`"])
def test_every_usual_separator_is_found_even_if_others_are_in_the_text(separator: str) -> None:
    rows = [["Name", "Address", "Note"], *([f"N{n}", f"Street {n}, Town", "a; b"] for n in range(20))]
    text = "\n".join(separator.join(f'"{cell}"' if separator in cell else cell for cell in row) for row in rows)

    detection = detect(make_text(text))

    assert detection.separator.used == separator
    assert [column.header for column in detection.columns] == rows[0]


@pytest.mark.parametrize(
    ("dates", "kind", "order"),
    [
        (["01.02.2024", "13.02.2024"], "date", "dmy"),
        (["01/02/24", "02/13/24"], "date", "mdy"),
        (["2024-01-02", "2024-12-31T10:00:00Z"], "date", "ymd"),
        (["01/02/2024", "03/04/2024"], "date", "ambiguous"),
        (["13/02/2024", "02/13/2024"], "text", None),
        (["01/02/2024", "2024-02-01"], "text", None),
        (["2023", "2024"], "integer", None),
        (["32/01/2024", "13/13/2024"], "text", None),
    ],
)
def test_the_order_of_dates_is_never_guessed_where_both_fit(dates: list[str], kind: str, order: str | None) -> None:
    detection = detect(make_text("name,since\n" + "".join(f"x,{day}\n" for day in dates)))

    assert (detection.columns[1].kind, detection.columns[1].date_order) == (kind, order)
    assert detection.date_order.value == (None if order == "ambiguous" else order)


def test_the_order_of_another_column_is_a_guess_for_the_file_and_leaves_a_column_ambiguous() -> None:
    detection = detect(make_text("since,until\n01/02/2024,31/12/2024\n03/04/2024,30/11/2024\n"))

    assert detection.date_order == Guess("dmy", 0.7, "dmy")
    assert [column.date_order for column in detection.columns] == ["ambiguous", "dmy"]


@pytest.mark.parametrize(
    ("numbers", "sign"),
    [
        (["18500.00", "1.5"], "."),
        (["18500,00", "1,5"], ","),
        (["1.234.567", "2.000.000"], ","),
        (["1,234", "5,678"], None),
        (["0,125", "0,250"], ","),
        (["1 234,5", "2 000,25"], ","),
        (["€ 1,234.50", "$5.5"], "."),
        (["1'234.50", "99.5"], "."),
    ],
)
def test_the_decimal_sign_is_found_if_the_numbers_say_so(numbers: list[str], sign: str | None) -> None:
    detection = detect(make_text("name;value\n" + "".join(f"x;{number}\n" for number in numbers)))

    assert detection.columns[1].kind == "number"
    assert detection.decimal_sign.value == sign


def test_columns_of_a_large_text_are_judged_by_its_middle_and_its_end_too() -> None:
    line = "x,01/02/2024\n"
    source = make_text("name,since\n" + line * (2 * HEAD // len(line)) + "y,31/12/2024\n")

    detection = detect(source)

    assert detection.columns[1].date_order == "dmy"
    assert detection.sampled_row_count == 3_000
    assert detection.line_count == 2 * HEAD // len(line) + 2


@pytest.mark.parametrize("codec", ["utf-8", "cp1252", "utf-16"])
def test_parts_of_a_large_text_are_decoded_from_the_start_of_a_character(codec: str) -> None:
    line = "Jürgen;Königsallee 1;ß\r\n"
    detection = detect(make_text("Name;Straße;Ä\r\n" + line * 40_000, codec))

    assert {sample for column in detection.columns for sample in column.samples} == {"Jürgen", "Königsallee 1", "ß"}
    assert detection.columns[2].fill_rate == 1.0


def test_kinds_of_a_workbook_are_those_of_its_cells() -> None:
    source = make_workbook(
        [["Name", "Since", "Score", "Count", "Member", "ZIP"], ["Ada", date(2024, 12, 10), 1.5, 3, True, "01234"]],
    )

    assert [column.kind for column in detect(source).columns] == [
        "text",
        "date",
        "number",
        "integer",
        "boolean",
        "text",
    ]
    assert [column.date_order for column in detect(source).columns] == [None] * 6


def test_a_workbook_has_no_guess_that_only_text_needs() -> None:
    detection = detect(make_workbook([["Name", "Age"], ["Ada", 36]]))

    assert detection == Detection(
        format=Guess("xlsx", 1.0, "xlsx"),
        encoding=NOTHING,
        separator=NOTHING,
        quote=NOTHING,
        decimal_sign=NOTHING,
        date_order=NOTHING,
        header_row=Guess(1, 0.95, 1),
        sheet=Guess("Data", 1.0, "Data"),
        sheets=[DetectedSheet("Data", 2, 0, 0)],
        line_count=None,
        columns=[
            DetectedColumn(1, "Name", ["Ada"], 1.0, "text", distinct_rate=1.0),
            DetectedColumn(2, "Age", ["36"], 1.0, "integer", distinct_rate=1.0),
        ],
        sampled_row_count=1,
    )


def test_arrays_of_a_json_object_are_sheets_and_the_first_that_has_rows_is_read() -> None:
    source = Bytes(b'{"company": [], "person": [{"email": "ada@acme.test", "custom_fields": {"age": 36}}]}')

    detection = detect(source)

    assert detection.format == Guess("json", 0.9, "json")
    assert detection.sheet == Guess("person", 1.0, "person")
    assert detection.sheets == [DetectedSheet("company", 0), DetectedSheet("person", 1)]
    assert [column.header for column in detection.columns] == ["email", "custom_fields.age"]
    assert read(source) == (["email", "custom_fields.age"], [(1, ["ada@acme.test", 36])])


@pytest.mark.parametrize("content", [b"", b"\n \n\n", b"[]", b'{"company": []}', b"\xef\xbb\xbf\n"])
def test_a_file_without_a_value_is_refused(content: bytes) -> None:
    assert refuse(Bytes(content)).code == "empty_file"


def test_a_workbook_without_a_value_is_refused() -> None:
    refused = refuse(make_workbook())

    assert (refused.code, refused.detail) == ("empty_file", "The file has no values.")
