"""``import_data`` as a whole: rows by type, or where and what is wrong (contract, section 2.5)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from importsvc.engine.errors import PayloadError
from importsvc.engine.parse import payload as payload_module
from importsvc.engine.parse.payload import expect_types, read_payload, stream_payload
from importsvc.text import strict_json

TYPES = ["company", "person"]


@pytest.mark.parametrize(
    "data",
    [
        {"company": [{"name": "A"}], "person": [{"first_name": "Ada"}]},
        {"person": [{"first_name": "Ada"}], "company": [{"name": "A"}]},
        {"person": [{"first_name": "Ada"}]},
        {"company": [], "person": [{}]},
        {"company": [None, 1, "a", [], {}]},
    ],
)
@pytest.mark.parametrize("write", [json.dumps, lambda data: f" \n{json.dumps(data)}\t", lambda data: data])
def test_rows_come_by_type_in_the_order_submitted_and_are_not_looked_at(data: dict[str, Any], write: Any) -> None:
    payload = read_payload(write(data), types=TYPES)

    assert payload == data
    assert list(payload) == list(data)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("", "is not valid JSON: line 1 column 1: Expecting value"),
        ("company", "is not valid JSON: line 1 column 1: Expecting value"),
        ('{"company": [\n{]}', "is not valid JSON: line 2 column 2: Expecting property name enclosed in double quotes"),
        ('{"company": []} []', "is not valid JSON: line 1 column 17: Extra data"),
        ('{"company": [{"name": NaN}]}', "is not valid JSON: NaN is not a JSON value"),
        ("[" * 100_000, "is not valid JSON: it is nested too deep"),
        ("null", "must be an object with an array of rows for each type (company, person)"),
        ("[]", "must be an object with an array of rows for each type (company, person)"),
        ('"{}"', "must be an object with an array of rows for each type (company, person)"),
        (7, "must be an object with an array of rows for each type (company, person)"),
        (True, "must be an object with an array of rows for each type (company, person)"),
        ([{"name": "A"}], "must be an object with an array of rows for each type (company, person)"),
        ({"deal": []}, "has an unknown type 'deal'; known are company, person"),
        ({"Company": [{}]}, "has an unknown type 'Company'; known are company, person"),
        ({"company": [{}], "": []}, "has an unknown type ''; known are company, person"),
        ({"\ud800\x00": []}, "has an unknown type '?\N{REPLACEMENT CHARACTER}'; known are company, person"),
        ({"x" * 200: []}, f"has an unknown type '{'x' * 100}…'; known are company, person"),
        ({"company": {}}, "'company' must be an array of rows"),
        ({"company": None}, "'company' must be an array of rows"),
        ({"company": [{}], "person": "Ada"}, "'person' must be an array of rows"),
        ({}, "has no rows"),
        ({"company": []}, "has no rows"),
        ('{"company": [], "person": []}', "has no rows"),
        ('{"company": [{}], "company": [{}]}', "names 'company' twice"),
    ],
)
def test_what_is_wrong_with_the_whole_is_said(data: object, problem: str) -> None:
    with pytest.raises(PayloadError) as caught:
        read_payload(data, types=TYPES)

    assert str(caught.value) == problem


# --- in pieces -------------------------------------------------------------------------------------------------------


def gather(data: object, *, size: int) -> tuple[dict[str, list[Any]], list[int]]:
    """The rows that come in pieces by type, and the lengths of the pieces."""
    rows: dict[str, list[Any]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(payload_module, "ROWS_AT_ONCE", size)
        pieces = list(stream_payload(data, types=TYPES))
    for name, piece in pieces:
        rows.setdefault(name, []).extend(piece)
    return rows, [len(piece) for _, piece in pieces]


@pytest.mark.parametrize("write", [json.dumps, lambda data: json.dumps(data, indent=1), lambda data: data])
@pytest.mark.parametrize(
    ("size", "lengths"), [(1, [1, 1, 1, 0]), (2, [2, 1, 0]), (3, [3, 0]), (4, [3, 0]), (2_000, [3, 0])]
)
def test_rows_come_in_pieces_of_at_most_a_size_and_a_type_without_rows_in_one(
    write: Any, size: int, lengths: list[int]
) -> None:
    data: dict[str, list[Any]] = {"person": [{"first_name": "Ada"}, 7, {}], "company": []}

    rows, found = gather(write(data), size=size)

    assert rows == data
    assert list(rows) == list(data)
    assert found == lengths


@pytest.mark.parametrize("passage", [0, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('{"a":[', "]}")])
def test_however_deep_rows_are_nested_they_are_read_or_refused(
    monkeypatch: pytest.MonkeyPatch, passage: int, opening: str, closing: str
) -> None:
    monkeypatch.setattr(strict_json, "_PASSAGE", passage)
    outcomes = set()
    for levels in range(400, 1_020):
        row = f'{{"x": {opening * levels}7{closing * levels}}}'
        try:
            pieces = list(stream_payload(f'{{"company": [{row},{row}]}}', types=TYPES))
        except PayloadError as error:
            outcomes.add(str(error))
        else:
            outcomes.add("read")
            assert sum(len(rows) for _, rows in pieces) == 2

    assert outcomes == {"read", "is not valid JSON: it is nested too deep"}


def test_pieces_come_before_what_follows_them_is_read() -> None:
    rows = ",".join(["{}"] * 2_000)
    pieces = stream_payload(f'{{"company": [{rows},{rows}, x', types=TYPES)

    assert [len(next(pieces)[1]), len(next(pieces)[1])] == [2_000, 2_000]
    with pytest.raises(PayloadError, match="is not valid JSON"):
        next(pieces)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ('{"company": [{}, {}', "is not valid JSON: line 1 column 20: Expecting ',' delimiter"),
        ('{"company": [{}]} []', "is not valid JSON: line 1 column 19: Extra data"),
        ('{"company": [{}], "deal": [{}]}', "has an unknown type 'deal'; known are company, person"),
        ('{"company": [{}], "person": 1}', "'person' must be an array of rows"),
        ('{"company": [{}], "company": []}', "names 'company' twice"),
        ('{"company": [], "person": []}', "has no rows"),
        ({"company": []}, "has no rows"),
        ([], "must be an object with an array of rows for each type (company, person)"),
    ],
)
def test_what_is_wrong_with_the_whole_is_said_in_the_same_words_when_it_comes_in_pieces(
    data: object, problem: str
) -> None:
    for read in (stream_payload, read_payload):
        with pytest.raises(PayloadError) as caught:
            list(read(data, types=TYPES))
        assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"person": [], "deal": []}, {"person"}),
        ('{"person": [], "deal": []}', {"person"}),
        ('{"company"\n :\t[], "person":[]}', {"company", "person"}),
        ('{"person": [{"custom_fields": {"company": []}}]}', {"company", "person"}),
        ('{"person": [{"company": "Reds"}]}', {"person"}),
        ('{"p\\u0065rson": []}', set()),
        ("", set()),
        ([{"person": []}], set()),
        (None, set()),
    ],
)
def test_types_are_expected_at_a_glance(data: object, expected: set[str]) -> None:
    assert expect_types(data, types=TYPES) == expected
