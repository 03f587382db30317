"""The rows and bodies that the benchmarks send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.rows import (
    make_body,
    make_misspelt_body,
    make_object_body,
    make_repeated_body,
    make_rows,
    spoil_rows,
)


def _read_import_data(body: bytes) -> Any:
    document = json.loads(body)
    assert document == {"data": {"type": "imports", "attributes": document["data"]["attributes"]}}
    assert list(document["data"]["attributes"]) == ["import_data"]
    return document["data"]["attributes"]["import_data"]


def test_the_object_form_and_the_string_form_hold_the_same_rows() -> None:
    rows = make_rows(20)

    assert _read_import_data(make_object_body(rows)) == rows
    assert json.loads(_read_import_data(make_body(rows))) == rows


def test_a_misspelt_header_is_misspelt_in_every_row_and_nothing_else_is() -> None:
    rows = make_rows(20)
    misspelt = [
        {"Frist Name" if header == "First Name" else header: value for header, value in person.items()}
        for person in rows["person"]
    ]

    assert _read_import_data(make_misspelt_body(rows)) == {"company": rows["company"], "person": misspelt}


@pytest.mark.parametrize(("row", "decoded"), [(b"1", 1), (b"{}", {})])
def test_a_row_can_be_repeated(row: bytes, decoded: object) -> None:
    assert _read_import_data(make_repeated_body(row, 3)) == {"person": [decoded] * 3}


def test_five_million_malformed_rows_are_10_and_15_megabytes() -> None:
    overhead = len(make_repeated_body(b"1", 1)) - len(b"1,")

    assert len(make_repeated_body(b"1", 1_000)) - overhead == 2_000
    assert len(make_repeated_body(b"{}", 1_000)) - overhead == 3_000


def test_one_row_in_a_hundred_can_be_bad() -> None:
    rows = make_rows(2_000)

    assert spoil_rows(rows) == 22
    assert sum(not company["name"] for company in rows["company"]) == 2
    names = {company["name"] for company in rows["company"]}
    assert sum(person["Company"] not in names for person in rows["person"]) == 5
