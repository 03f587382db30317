"""Rows to clean values, and everything that can be seen wrong without a database (contract, section 2.5)."""

from __future__ import annotations

from typing import Any

import pytest

from importsvc.engine.errors import RowError
from importsvc.engine.parse.rows import clean_rows
from importsvc.text.strict_json import read_json
from tests.engine.example import PLAYER, TEAM

ADA = {"first_name": "Ada", "email": "ada@acme.test"}


def problems(*rows: object) -> list[RowError]:
    return clean_rows(PLAYER, list(rows)).errors


@pytest.mark.parametrize(
    "header",
    ["first_name", "First Name", "FIRST-NAME", "firstName", "first name ", "_first__name_", "F i r s t-N a m e"],
)
def test_a_header_matches_whatever_its_case_spaces_underscores_and_dashes(header: str) -> None:
    cleaned = clean_rows(PLAYER, [{header: "Ada", "email": "ada@acme.test"}])

    assert cleaned.values == [("Ada", "ada@acme.test", None, None, None, None)]
    assert cleaned.errors == []


@pytest.mark.parametrize("space", ["\t", "\n", "\u00a0", "\u3000"])
def test_any_kind_of_space_in_a_header_is_a_space(space: str) -> None:
    assert problems({f"First{space}Name": "Ada", "email": "ada@acme.test"}) == []


def test_values_come_in_the_order_of_the_declaration_and_rows_in_theirs() -> None:
    cleaned = clean_rows(
        PLAYER,
        [
            {"Team": " Reds ", "tag list": "a,b", "E-Mail": "ADA@acme.test", "First Name": " Ada "},
            {"first_name": "Bob", "email": "bob@acme.test", "former-team": "Blues", "nick": " "},
        ],
    )

    assert cleaned.importable is PLAYER
    assert cleaned.values == [
        ("Ada", "ADA@acme.test", None, ["a", "b"], "Reds", None),
        ("Bob", "bob@acme.test", None, None, None, "Blues"),
    ]
    assert cleaned.errors == []


@pytest.mark.parametrize("row", [None, True, 1, 1.5, "Ada", [], ["Ada"]])
def test_a_row_that_is_no_object_is_one_error_of_the_row(row: object) -> None:
    cleaned = clean_rows(PLAYER, [ADA, row])

    assert cleaned.errors == [RowError(2, None, "Row must be an object")]
    assert cleaned.values[1] == (None,) * 6


@pytest.mark.parametrize("blank", ["", " \t", None])
def test_a_blank_cell_is_a_missing_one(blank: object) -> None:
    expected = [(1, "first_name", "First name can't be blank"), (1, "email", "Email can't be blank")]

    assert problems({}) == expected
    assert problems({"First Name": blank, "email": blank, "nick": blank, "team": blank, "tag_list": blank}) == expected


@pytest.mark.parametrize(
    ("header", "column", "message"),
    [
        ("Surname", "surname", "Surname is not a column of player"),
        ("Date-of birth", "date_of_birth", "Date of birth is not a column of player"),
        ("first.name", "first.name", "First.name is not a column of player"),
        ("id", "id", "Id is not a column of player"),
        ("organization_id", "organization_id", "Organization id is not a column of player"),
        ("", "", "A blank header is not a column of player"),
        (" _-", "", "A blank header is not a column of player"),
        ("a\x00\ud800", "a\N{REPLACEMENT CHARACTER}?", "A\N{REPLACEMENT CHARACTER}? is not a column of player"),
        ("x" * 200, f"{'x' * 100}…", f"X{'x' * 99}… is not a column of player"),
    ],
)
def test_an_unknown_column_is_an_error_even_where_it_is_blank(header: str, column: str, message: str) -> None:
    for cell in ("x", None, {"a": ["b"]}):
        assert problems({**ADA, header: cell}) == [(1, column, message)]


@pytest.mark.parametrize("cells", [("Ada", "Ada"), ("Ada", ""), (None, "Ada"), (1, "Ada")])
def test_two_headers_that_name_one_column_are_an_error_whatever_they_say(cells: tuple[Any, Any]) -> None:
    row = {"First Name": cells[0], "email": "ada@acme.test", "first_name": cells[1]}

    assert problems(row) == [(1, "first_name", "First name is given more than once")]


def test_a_header_that_json_repeats_is_two_headers() -> None:
    row = read_json('{"first_name": "Ada", "email": "a@acme.test", "email": "b@acme.test", "x": 1, "x": 2}')

    assert problems(row) == [
        (1, "x", "X is not a column of player"),
        (1, "email", "Email is given more than once"),
    ]


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("first_name", 7, "First name must be text"),
        ("first_name", "x" * 256, "First name is too long (maximum is 255 characters)"),
        ("first_name", "a\x00", "First name contains a NUL character"),
        ("email", "ada", "Email is not an email"),
        ("tag_list", 7, "Tag list must be a list of text, or text with commas between"),
        ("team", 7, "Team must be text"),
        ("team", ["Reds"], "Team must be text"),
        ("former_team", "x" * 256, "Former team is too long (maximum is 255 characters)"),
        ("former_team", "\udc00", "Former team contains half of a surrogate pair"),
    ],
)
def test_a_cell_that_is_not_acceptable_is_one_error_and_counts_as_no_value(
    column: str, cell: object, message: str
) -> None:
    cleaned = clean_rows(PLAYER, [{**ADA, column: cell}])

    assert cleaned.errors == [RowError(1, column, message)]
    assert cleaned.values[0][PLAYER.position(column)] is None


def test_every_error_of_every_row_is_reported_in_row_order_then_in_the_order_of_the_declaration() -> None:
    rows = [
        {"team": 1, "shoe": 1, "email": "ada", "hat": 2},
        ADA,
        "Ada",
        {"tag_list": 0, "first_name": 0, "nick": [], "email": "bob@acme.test"},
    ]

    assert problems(*rows) == [
        (1, "shoe", "Shoe is not a column of player"),
        (1, "hat", "Hat is not a column of player"),
        (1, "first_name", "First name can't be blank"),
        (1, "email", "Email is not an email"),
        (1, "team", "Team must be text"),
        (3, None, "Row must be an object"),
        (4, "first_name", "First name must be text"),
        (4, "nick", "Nick must be text"),
        (4, "tag_list", "Tag list must be a list of text, or text with commas between"),
    ]


def test_a_row_of_a_type_without_references_is_read_like_any_other() -> None:
    cleaned = clean_rows(TEAM, [{"Name": "Reds", "Due Days": "30"}, {"Due Days": "-1"}])

    assert cleaned.values == [("Reds", 30), (None, None)]
    assert cleaned.errors == [
        RowError(2, "name", "Name can't be blank"),
        RowError(2, "due_days", "Due days must be 0 or more"),
    ]
