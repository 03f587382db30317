"""Rows of types from the rows of tables: steps, formats, derived types, unreadable cells, chunks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pytest

from importsvc.engine.parse.chunks import CHUNK_CHARACTERS, CHUNK_ROWS
from importsvc.files.mapping.chunks import MappedChunk
from importsvc.files.mapping.document import Formats
from importsvc.files.mapping.parsing import read_mapping
from importsvc.files.mapping.rows import FileProgress, RowMapper
from importsvc.files.reading.tables import Fault, TableRow

FAULT = Fault("#N/A", "is the error #N/A of the workbook", is_error=True)


def fold(names: list[str]) -> list[str]:
    return [name.lower() for name in names]


def fill(header: str, target: str, **members: Any) -> dict[str, Any]:
    """The mapping of one column."""
    return {"headers": [header], "targets": [target], **members}


def map_table(
    columns: Sequence[dict[str, Any]],
    table: Sequence[Sequence[Any]],
    *,
    formats: Formats = Formats(),  # noqa: B008 - immutable
    sheet: str | None = None,
    progress: FileProgress | None = None,
    **members: Any,
) -> list[MappedChunk]:
    """The chunks of a table, whose first row has the headers. Its lines count from 2."""
    headers, *rows = table
    mapper = RowMapper(
        read_mapping({"columns": columns, **members}),
        headers=headers,
        sheet=sheet,
        formats=formats,
        fold=fold,
        progress=progress,
    )
    return list(mapper.map_rows(TableRow(line, row) for line, row in enumerate(rows, start=2)))


def read_rows(chunks: Sequence[MappedChunk]) -> dict[str, list[tuple[int, Any]]]:
    """Line and row, by type."""
    rows: dict[str, list[tuple[int, Any]]] = {}
    for chunk in chunks:
        items = json.loads(f"[{chunk.text}]")
        assert len(items) == chunk.row_count == len(chunk.lines)
        rows.setdefault(chunk.type_name, []).extend(zip(chunk.lines, items, strict=True))
    return rows


def map_cell(column: dict[str, Any], *cells: Any, **formats: Any) -> Any:
    """What a column makes of the cells of one row; ``None`` if there is no row."""
    headers = [f"A{position}" for position in range(len(cells))]
    rows = read_rows(map_table([column], [headers, cells], formats=Formats(**formats)))
    (row,) = rows.get("person", []) or rows.get("company", []) or [(0, None)]
    return row[1]


def test_each_row_of_a_table_is_a_row_of_its_type_with_its_line() -> None:
    chunks = map_table(
        [fill("Vorname", "person.first_name"), fill("Mail", "person.email")],
        [["mail", "Vorname"], ["ann@acme.test", " Ann "], ["", ""], ["", "Bo"]],
    )

    assert chunks == [
        MappedChunk("person", 1, 2, '{"first_name":"Ann","email":"ann@acme.test"},{"first_name":"Bo"}', [2, 4], None)
    ]


def test_rows_without_values_are_counted_and_dropped() -> None:
    progress = FileProgress()

    chunks = map_table(
        [fill("A", "person.first_name")], [["A", "B"], ["", " "], [None], ["", "note"], ["Ann", ""]], progress=progress
    )

    assert read_rows(chunks) == {"person": [(5, {"first_name": "Ann"})]}
    assert (progress.blank_row_count, progress.unmapped_row_count) == (2, 1)


def test_a_row_may_be_shorter_than_the_header_and_longer() -> None:
    columns = [fill("A", "person.first_name"), fill("B", "person.last_name")]

    rows = read_rows(map_table(columns, [["A", "B"], ["Ann"], ["Bo", "Lee", "", "x", 7], ["", "", "y"]]))

    assert rows["person"] == [
        (2, {"first_name": "Ann"}),
        (3, {"first_name": "Bo", "last_name": "Lee", "Column 4": "x", "Column 5": "7"}),
        (4, {"Column 3": "y"}),
    ]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("01234", "01234"),
        (1234.0, "1234"),
        (1234, "1234"),
        (0.1, "0.1"),
        (1e21, "1000000000000000000000"),
        (1.5e-7, "0.00000015"),
        (True, "true"),
        (date(2026, 1, 5), "2026-01-05"),
        (datetime(2026, 1, 5), "2026-01-05"),
        (datetime(2026, 1, 5, 9, 30), "2026-01-05 09:30:00"),
        ("a\x00b", "a\x00b"),
        ('"\n\\', '"\n\\'),
        (FAULT, {"$unreadable": "#N/A", "because": "is the error #N/A of the workbook"}),
        (float("nan"), {"$unreadable": "nan", "because": "is not a finite number"}),
    ],
)
def test_a_target_of_text_gets_text(cell: Any, text: Any) -> None:
    assert map_cell(fill("A0", "person.title"), cell) == {"title": text}


@pytest.mark.parametrize(
    ("cell", "address"),
    [
        ("Ada Lee <ada@acme.test>", "ada@acme.test"),
        ('"Lee, Ada" < ada@acme.test >', "ada@acme.test"),
        ("ada@acme.test <ada@acme.test>", "ada@acme.test"),
        ("<mailto:ada@acme.test>", "ada@acme.test"),
        ("MAILTO:ada@acme.test?subject=Hello", "ada@acme.test"),
        ("\N{NO-BREAK SPACE}ada@acme.test\N{NO-BREAK SPACE}", "ada@acme.test"),
        ("Ada <ada@acme.test>, Bo <bo@acme.test>", "Ada <ada@acme.test>, Bo <bo@acme.test>"),
        ("ada@acme.test <Ada>", "ada@acme.test <Ada>"),
        ("Ada <>", "Ada <>"),
        (7, "7"),
    ],
)
def test_an_address_is_read_without_the_name_or_the_link_around_it(cell: Any, address: str) -> None:
    # Beside a cell that is no text, columns are read cell by cell.
    for others in ([], [None]):
        chunks = map_table([fill("A", "person.email")], [["A"], [cell], *([other] for other in others)])
        assert read_rows(chunks) == {"person": [(2, {"email": address})]}


@pytest.mark.parametrize("cell", ["-", "--", "\N{EN DASH}", "N/A", "n/a", "N.A.", " n.a. "])
def test_a_text_for_no_value_names_no_record(cell: str) -> None:
    names = ["person.external_id", "person.company", "person.title", "person.email"]
    columns = [fill(name, name) for name in names]

    chunks = map_table(columns, [names, [cell] * 4, ["7", "N/A Ltd", "x", "a@acme.test"]])

    assert read_rows(chunks) == {
        "company": [(3, {"name": "N/A Ltd"})],
        "person": [
            # As an address it is a row error, which makes no record.
            (2, {"title": cell.strip(), "email": cell.strip()}),
            (3, {"external_id": "7", "title": "x", "email": "a@acme.test", "company": "N/A Ltd"}),
        ],
    }


def test_an_error_of_a_spreadsheet_in_text_names_no_record() -> None:
    chunks = map_table(
        [fill("A", "person.first_name"), fill("B", "person.company")], [["A", "B"], ["#N/A", "#N/A"], ["Bo", "Blues"]]
    )

    error = {"$unreadable": "#N/A", "because": "is the error #N/A of a workbook"}
    assert read_rows(chunks) == {
        "company": [(3, {"name": "Blues"})],
        "person": [(2, {"first_name": "#N/A", "company": error}), (3, {"first_name": "Bo", "company": "Blues"})],
    }


def test_values_of_the_mapping_come_before_what_is_read_of_a_key() -> None:
    column = fill("A", "person.company", values={"-": "Freelance", "x": "-"})

    rows = read_rows(
        map_table([column, fill("B", "person.first_name")], [["A", "B"], ["-", "a"], ["x", "b"], ["n/a", "c"]])
    )

    assert rows["person"] == [
        (2, {"first_name": "a", "company": "Freelance"}),
        (3, {"first_name": "b", "company": "-"}),
        (4, {"first_name": "c"}),
    ]


@pytest.mark.parametrize(
    ("sign", "cell", "text"),
    [
        (",", "1.234,50", "1234.50"),
        (",", "1 234,50 €", "1234.50"),
        (",", "1’234", "1234"),
        (",", "-€ 30,", "-30"),
        (".", "1,234.50", "1234.50"),
        (".", "$30", "30"),
        (None, "30", "30"),
        (None, "soon", "soon"),
        (None, 30.0, "30"),
        (",", 30.5, "30.5"),
        (",", "1.5", {"$unreadable": "1.5", "because": "is not a number with ',' as the decimal sign"}),
        (".", "1.234,50", {"$unreadable": "1.234,50", "because": "is not a number with '.' as the decimal sign"}),
        (".", True, {"$unreadable": "true", "because": "is not a number"}),
        (".", FAULT, {"$unreadable": "#N/A", "because": "is the error #N/A of the workbook"}),
    ],
)
def test_numbers_are_read_with_the_decimal_sign_of_the_file(sign: Any, cell: Any, text: Any) -> None:
    assert map_cell(fill("A0", "company.due_days"), cell, decimal_sign=sign) == {"due_days": text}


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1.234,50", 1234.5),
        ("+007", 7),
        (7, 7),
        ("soon", {"$unreadable": "soon", "because": "is not a number with ',' as the decimal sign"}),
    ],
)
def test_a_member_of_kind_number_is_a_number(cell: Any, value: Any) -> None:
    column = fill("A0", "company.custom_fields.size", kind="number")

    assert map_cell(column, cell, decimal_sign=",") == {"custom_fields": {"size": value}}


NO_ORDER = "is a date, but the order of day, month and year is not set"


def unreadable_date(text: str, order: str = "") -> dict[str, str]:
    return {"$unreadable": text, "because": f"is not a date{order}"}


@pytest.mark.parametrize(
    ("order", "cell", "value"),
    [
        ("dmy", "05.01.2026", "2026-01-05"),
        ("mdy", "01/05/2026", "2026-01-05"),
        ("mdy", "1/5/26", "2026-01-05"),
        ("dmy", "5. 1. 1970", "1970-01-05"),
        ("dmy", "31-12-69", "1969-12-31"),
        ("dmy", "2026-01-05", "2026-01-05"),
        (None, "2026/1/5", "2026-01-05"),
        ("dmy", "05.01.2026 10:30", "2026-01-05"),
        (None, date(2026, 1, 5), "2026-01-05"),
        (None, datetime(2026, 1, 5, 23), "2026-01-05"),
        (None, "05.01.2026", {"$unreadable": "05.01.2026", "because": NO_ORDER}),
        (None, "March 2020", unreadable_date("March 2020")),
        ("mdy", "31/12/2026", unreadable_date("31/12/2026", " in the order month, day, year")),
        ("dmy", "31.02.2026", unreadable_date("31.02.2026", " in the order day, month, year")),
        ("dmy", 46027, unreadable_date("46027", " in the order day, month, year")),
        ("dmy", FAULT, {"$unreadable": "#N/A", "because": "is the error #N/A of the workbook"}),
    ],
)
def test_dates_are_read_in_the_order_of_the_file(order: Any, cell: Any, value: Any) -> None:
    column = fill("A0", "person.custom_fields.born", kind="date")

    assert map_cell(column, cell, date_order=order) == {"custom_fields": {"born": value}}


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("Ja", True),
        ("no", False),
        (True, True),
        (0, False),
        ("maybe", {"$unreadable": "maybe", "because": "is neither true nor false"}),
    ],
)
def test_booleans_are_words(cell: Any, value: Any) -> None:
    column = fill("A0", "person.custom_fields.vip", kind="boolean")

    assert map_cell(column, cell) == {"custom_fields": {"vip": value}}


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('{"a": [1]}', {"a": [1]}),
        ({"a": 1}, {"a": 1}),
        ("[1]", {"$unreadable": "[1]", "because": "is not an object of JSON"}),
        ('{"a": NaN}', {"$unreadable": '{"a": NaN}', "because": "is not an object of JSON"}),
        ("[" * 100_000, {"$unreadable": "[" * 100_000, "because": "is not an object of JSON"}),
    ],
)
def test_an_object_is_read_from_its_json(cell: Any, value: Any) -> None:
    assert map_cell(fill("A0", "person.custom_fields"), cell) == {"custom_fields": value}


def test_the_members_of_an_object_come_from_several_columns() -> None:
    columns = [
        fill("A", "person.first_name"),
        fill("B", "person.custom_fields.size", kind="text"),
        fill("C", "person.custom_fields.born", kind="date"),
        {
            "headers": [],
            "targets": ["person.custom_fields.source"],
            "kind": "text",
            "steps": [{"step": "constant", "value": "fair"}],
        },
    ]

    rows = read_rows(map_table(columns, [["A", "B", "C"], ["Ann", "L", "2026-01-05"], ["Bo", "", ""], ["", "", ""]]))

    assert rows["person"] == [
        (2, {"first_name": "Ann", "custom_fields": {"size": "L", "born": "2026-01-05", "source": "fair"}}),
        (3, {"first_name": "Bo", "custom_fields": {"source": "fair"}}),
    ]


@pytest.mark.parametrize(
    ("at", "cell", "row"),
    [
        ("first_space", "Ann Lee  Fox", {"first_name": "Ann", "last_name": "Lee  Fox"}),
        ("last_space", "Ann Lee  Fox", {"first_name": "Ann Lee", "last_name": "Fox"}),
        ("last_space", "Ann", {"first_name": "Ann"}),
        ("last_space", FAULT, {"first_name": {"$unreadable": "#N/A", "because": FAULT.because}}),
    ],
)
def test_a_name_is_split_at_a_space(at: str, cell: Any, row: Any) -> None:
    column = {
        "headers": ["A0"],
        "targets": ["person.first_name", "person.last_name"],
        "steps": [{"step": "split", "at": at}],
    }

    assert map_cell(column, cell) == row


def test_cells_are_joined_and_a_prefix_is_stripped() -> None:
    steps = [{"step": "join", "separator": ", "}, {"step": "strip_prefix", "prefix": "Fa. "}]
    column = {"headers": ["A0", "A1", "A2"], "targets": ["company.name"], "steps": steps}

    assert map_cell(column, "Fa. Acme", "", 7) == {"name": "Acme, 7"}
    assert map_cell(column, "Acme", FAULT, "x") == {"name": {"$unreadable": "#N/A", "because": FAULT.because}}
    assert map_cell(column, "", None, " ") is None


def test_values_are_mapped_whatever_their_case_and_others_stay() -> None:
    columns = [
        fill("Name", "company.name"),
        fill("W", "company.default_currency", values={"Euro": "EUR", "n/a": None}),
        fill("D", "company.due_days", values={"sofort": 0, "7": "14,5"}),
    ]
    table: list[list[Any]] = [["Name", "W", "D"], ["A", " EURO ", "Sofort"], ["B", "N/A", 7], ["C", "Taler", "1.000"]]
    because = "is not a number with '.' as the decimal sign"

    assert read_rows(map_table(columns, table, formats=Formats(decimal_sign=",")))["company"] == [
        (2, {"name": "A", "default_currency": "EUR", "due_days": "0"}),
        (3, {"name": "B", "due_days": {"$unreadable": "14,5", "because": because}}),
        (4, {"name": "C", "default_currency": "Taler", "due_days": "1000"}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("by", "cell", "tags"),
    [
        (" ::: ", "Friends, close ::: Fair::: ", ["Friends, close", "Fair"]),
        (";", " Fair ;; N/A; customers", ["Fair", "Customer"]),
        (";", "n/a; ;", None),
        (";", 7, ["7"]),
        (";", ["a;b"], ["a;b"]),
        (";", FAULT, {"$unreadable": "#N/A", "because": FAULT.because}),
    ],
)
def test_a_text_is_separated_and_each_part_mapped(by: str, cell: Any, tags: Any) -> None:
    column = {
        "headers": ["A0"],
        "targets": ["person.tag_list"],
        "steps": [{"step": "separate", "by": by}],
        "values": {"Customers": "Customer", "N/A": None},
    }

    assert map_cell(column, cell) == ({"tag_list": tags} if tags else None)


def test_companies_that_are_only_named_become_rows_once() -> None:
    columns = [fill("N", "person.first_name"), fill("F", "person.company")]
    table = [["N", "F"], ["Ann", "Acme"], ["Bo", " ACME "], ["Cy", "Ärzte"], ["Di", ""], ["Ed", "ärzte"]]

    rows = read_rows(map_table(columns, table))

    assert rows["company"] == [(2, {"name": "Acme"}), (4, {"name": "Ärzte"})]
    assert [row.get("company") for _, row in rows["person"]] == ["Acme", "ACME", "Ärzte", None, "ärzte"]


def test_companies_that_are_only_named_have_to_exist_if_the_mapping_says_so() -> None:
    columns = [fill("N", "person.first_name"), fill("F", "person.company")]

    rows = read_rows(map_table(columns, [["N", "F"], ["Ann", "Acme"]], missing_companies="error"))

    assert rows == {"person": [(2, {"first_name": "Ann", "company": "Acme"})]}


BOTH_SIDES = [
    fill("N", "person.first_name"),
    fill("F", "company.name"),
    fill("W", "company.default_currency"),
    fill("T", "company.description"),
]


def test_both_sides_of_a_row_become_rows_and_the_person_refers_to_the_company() -> None:
    table = [
        ["N", "F", "W", "T"],
        ["Ann", "Acme", "", ""],
        ["Bo", "acme", "EUR", ""],
        ["", "Blues", "USD", "x"],
        ["Cy", "", "", ""],
        ["Di", "Acme", "EUR", "good"],
    ]

    rows = read_rows(map_table(BOTH_SIDES, table))

    assert rows == {
        "person": [
            (2, {"first_name": "Ann", "company": "Acme"}),
            (3, {"first_name": "Bo", "company": "acme"}),
            (5, {"first_name": "Cy"}),
            (6, {"first_name": "Di", "company": "Acme"}),
        ],
        "company": [
            (2, {"name": "Acme", "default_currency": "EUR", "description": "good"}),
            (4, {"name": "Blues", "default_currency": "USD", "description": "x"}),
        ],
    }


def test_a_value_that_contradicts_an_earlier_row_is_an_error_of_its_row() -> None:
    table = [["N", "F", "W", "T"], ["Ann", "Acme", "EUR", ""], ["Bo", "ACME", "USD", ""], ["", "Acme", "CHF", ""]]

    rows = read_rows(map_table(BOTH_SIDES, table))

    def refused(here: str) -> dict[str, str]:
        because = f"has another default currency than in line 2: {here} instead of EUR"
        return {"$unreadable": here, "because": because}

    assert rows["person"][1] == (3, {"first_name": "Bo", "company": refused("USD")})
    assert rows["company"] == [
        (4, {"name": "Acme", "default_currency": refused("CHF")}),
        (2, {"name": "Acme", "default_currency": "EUR"}),
    ]


def test_a_company_without_a_name_is_a_row_without_it() -> None:
    rows = read_rows(map_table(BOTH_SIDES, [["N", "F", "W", "T"], ["Ann", "", "EUR", ""], ["Bo", FAULT, "", ""]]))

    assert rows == {
        "person": [
            (2, {"first_name": "Ann"}),
            (3, {"first_name": "Bo", "company": {"$unreadable": "#N/A", "because": FAULT.because}}),
        ],
        "company": [(2, {"default_currency": "EUR"})],
    }


def test_sheets_of_a_file_share_row_numbers_and_companies() -> None:
    columns = [fill("N", "person.first_name"), fill("F", "person.company")]
    progress = FileProgress()

    first = map_table(columns, [["N", "F"], ["Ann", "Acme"]], sheet="2025", progress=progress)
    second = map_table(columns, [["N", "F"], ["Bo", "acme"], ["Cy", "Blues"]], sheet="2026", progress=progress)

    assert [(chunk.type_name, chunk.first_row, chunk.lines, chunk.sheet) for chunk in first + second] == [
        ("company", 1, [2], "2025"),
        ("person", 1, [2], "2025"),
        ("company", 2, [3], "2026"),
        ("person", 2, [2, 3], "2026"),
    ]
    assert progress.row_counts == {"company": 2, "person": 3}


def test_a_sheet_of_companies_leaves_none_to_be_derived() -> None:
    columns = [
        fill("F", "company.name", sheet="Firmen"),
        fill("N", "person.first_name", sheet="Leute"),
        fill("F", "person.company", sheet="Leute"),
    ]

    rows = read_rows(map_table(columns, [["N", "F"], ["Ann", "Acme"]], sheet="Leute"))

    assert rows == {"person": [(2, {"first_name": "Ann", "company": "Acme"})]}


def test_types_of_a_chain_are_derived_from_the_last(with_deals: None) -> None:
    columns = [
        fill("D", "deal.name"),
        fill("V", "deal.value"),
        fill("M", "person.email"),
        fill("P", "person.first_name"),
        fill("F", "company.name"),
    ]
    table = [
        ["D", "V", "M", "P", "F"],
        ["Roof", "1.000,50", "ann@acme.test", "Ann", "Acme"],
        ["Door", "", "Ann@acme.test", "", "ACME"],
    ]

    rows = read_rows(map_table(columns, table, formats=Formats(decimal_sign=",")))

    ann = {"email": "ann@acme.test", "first_name": "Ann", "company": "Acme"}
    assert rows["company"] == [(2, {"name": "Acme"})]
    assert rows["person"] == [(2, ann)]
    assert rows["deal"] == [
        (2, {"name": "Roof", "value": "1000.50", "company": "Acme", "contact": "ann@acme.test"}),
        (3, {"name": "Door", "company": "ACME", "contact": "Ann@acme.test"}),
    ]


def test_chunks_are_those_of_the_engine() -> None:
    short = map_table([fill("A", "person.first_name")], [["A"], *([["Ann"]] * 5_000)])
    long = map_table([fill("A", "person.first_name")], [["A"], *([["A" * 100_000]] * 5), ["B" * 300_000], ["C"]])

    assert all(chunk.row_count <= CHUNK_ROWS and len(chunk.text) <= CHUNK_CHARACTERS for chunk in short)
    assert [chunk.first_row for chunk in long] == [1, 3, 5, 6, 7]
    assert [chunk.row_count for chunk in long] == [2, 2, 1, 1, 1]
    assert sum(chunk.row_count for chunk in short) == 5_000
    assert [chunk.first_row for chunk in short] == [1 + sum(c.row_count for c in short[:i]) for i in range(len(short))]


def test_text_that_utf8_cannot_encode_is_escaped() -> None:
    (chunk,) = map_table([fill("A", "person.first_name")], [["A"], ["\ud83d Ä"]])

    assert chunk.text == '{"first_name":"\\ud83d Ä"}'
