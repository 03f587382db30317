"""``import_data`` as a whole: rows by type, or where and what is wrong (contract, section 2.5)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from importsvc.engine.errors import PayloadError
from importsvc.engine.payload import read_payload

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
