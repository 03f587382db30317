"""Tables of JSON Lines and JSON."""

from __future__ import annotations

import pytest

from importsvc.files.reading.tables import Fault, ReadOptions
from tests.files.builders import Bytes, make_text, read, refuse

LINES, ARRAY = ReadOptions("json_lines"), ReadOptions("json")


def test_headers_are_the_members_of_all_rows_in_their_order() -> None:
    source = make_text('{"name": "Ada", "zip": "01067"}\n\n{"zip": null, "age": 36, "rate": 1.5, "vip": true}\n')

    assert read(source) == (
        ["name", "zip", "age", "rate", "vip"],
        [(1, ["Ada", "01067", None, None, None]), (3, [None, None, 36, 1.5, True])],
    )


def test_rows_of_an_array_are_numbered_by_their_items() -> None:
    assert read(make_text('[\n\n{"a": 1},\n {"b": "é"}]')) == (["a", "b"], [(1, [1, None]), (2, [None, "é"])])


def test_an_object_becomes_columns_with_a_dot() -> None:
    source = make_text('[{"custom_fields": {"region": "EU", "size": {"min": 1}}}, {"custom_fields": {}}]')

    assert read(source) == (["custom_fields.region", "custom_fields.size.min"], [(1, ["EU", 1]), (2, [None, None])])


@pytest.mark.parametrize(
    ("row", "cell"),
    [
        ('{"a": [1, "x"]}', Fault('[1, "x"]', "is a list, not a single value")),
        ('{"a": 1, "a": 2}', Fault("2", "is given twice in the row")),
        ('{"a": 1e400}', Fault("inf", "is too large a number")),
    ],
)
def test_a_cell_that_is_not_one_value_is_a_fault(row: str, cell: Fault) -> None:
    for source, options in ((make_text(row), LINES), (make_text(f"[{row}]"), ARRAY)):
        assert read(source, options)[1] == [(1, [cell])]


def test_a_member_and_an_object_of_the_same_name_are_a_fault() -> None:
    source = make_text('{"a.b": 1, "a": {"b": 2}}')

    assert read(source, LINES) == (["a.b"], [(1, [Fault('{"b": 2}', "is given twice in the row")])])


def test_the_named_array_of_an_object_is_read_and_other_members_are_not() -> None:
    source = make_text('{"meta": {"count": 1}, "company": [{"name": "Acme"}], "person": [{"email": "a@b.c"}]}')

    assert read(source, ARRAY) == (["name"], [(1, ["Acme"])])
    assert read(source, ReadOptions("json", sheet="person")) == (["email"], [(1, ["a@b.c"])])


def test_json_may_have_another_encoding_than_utf_8() -> None:
    assert read(make_text('[{"a": "é"}]', "utf-16")) == (["a"], [(1, ["é"])])


@pytest.mark.parametrize(
    ("content", "options", "code", "line", "column", "detail"),
    [
        (b'{"a": 1}\n{"a": }\n', LINES, "json_invalid", 2, 7, "Expecting value"),
        (b'{"a": 1}\n{"a": 1} {"a": 2}\n', LINES, "json_invalid", 2, 10, "Expecting ',' delimiter"),
        (b'{"a": 1}\n{"a": 1},{"a": 2}\n', LINES, "row_not_object", 2, None, "Line 2 is not one JSON object."),
        (b'{"a": 1}\n[1]\n', LINES, "row_not_object", 2, None, "Line 2 is not one JSON object."),
        (b'{"a": ' + b"[" * 5_000 + b"\n", LINES, "json_invalid", 1, 1, "it is nested too deep"),
        (b'{"a": NaN}', LINES, "json_invalid", 1, None, "NaN is not a JSON value"),
        (b'[{"a": 1}, 2]', ARRAY, "row_not_object", 2, None, "Item 2 is not a JSON object."),
        (b'[{"a": 1}\n,,]', ARRAY, "json_invalid", 2, 2, "Expecting value"),
        (b'[{"a": 1}', ARRAY, "json_invalid", 1, 10, "Expecting ',' delimiter"),
        (b'[{"a": 1}] x', ARRAY, "json_invalid", 1, 12, "Extra data"),
        (b'{"a": 1}', ARRAY, "json_not_a_table", None, None, "The file has no array of rows"),
        (b'{"a": []}', ReadOptions("json", sheet="b"), "json_not_a_table", None, None, "The file has no array 'b'"),
        (b'[{"a":\n"\xff"}]', ARRAY, "not_decodable", 2, 2, "Line 2, column 2 has a character that is not utf-8"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(
    content: bytes, options: ReadOptions, code: str, line: int | None, column: int | None, detail: str
) -> None:
    refused = refuse(Bytes(content), options)

    assert (refused.code, refused.line) == (code, line)
    assert column is None or refused.column == column
    assert detail in refused.detail


def test_an_array_that_is_there_twice_is_refused() -> None:
    refused = refuse(make_text('{"person": [{"a": 1}], "person": [{"a": 2}]}'))

    assert (refused.code, refused.detail) == ("json_not_a_table", "The file has the array 'person' twice.")


def test_rows_have_at_most_1000_different_members() -> None:
    source = make_text("\n".join(f'{{"column {number}": 1}}' for number in range(1_001)))

    assert refuse(source, LINES).code == "too_many_columns"
