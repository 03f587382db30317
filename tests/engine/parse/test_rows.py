"""Rows become clean values, or errors that need no database to be found (contract, section 2.5)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importsvc.engine.errors import RowError
from importsvc.engine.parse.rows import NAMED_HEADERS, CleanChunk, RowCleaner
from importsvc.engine.schema.importable import Importable
from importsvc.text.strict_json import read_json
from tests.engine.example import PLAYER, TEAM
from tests.engine.row_errors import row_error

ADA = {"first_name": "Ada", "email": "ada@acme.test"}
FIRST_NAME, EMAIL, NICK, TAG_LIST, TEAM_AT, FORMER_TEAM = range(6)


def clean(*rows: object, importable: Importable = PLAYER, first_row: int = 1, may_match: bool = False) -> CleanChunk:
    return RowCleaner(importable, may_match=may_match).clean(list(rows), first_row=first_row)


def values(chunk: CleanChunk) -> list[tuple[Any, ...]]:
    """The clean values, row by row."""
    return list(zip(*chunk.columns, strict=True))


def sort(errors: list[RowError]) -> list[RowError]:
    """The errors in a fixed order: cleaning returns them in none."""
    return sorted(errors, key=str)


def problems(*rows: object) -> list[RowError]:
    return sort(clean(*rows).errors)


@pytest.mark.parametrize(
    "header",
    ["first_name", "First Name", "FIRST-NAME", "firstName", "first name ", "_first__name_", "F i r s t-N a m e"],
)
def test_a_header_matches_whatever_its_case_spaces_underscores_and_dashes(header: str) -> None:
    cleaned = clean({header: "Ada", "email": "ada@acme.test"})

    assert values(cleaned) == [("Ada", "ada@acme.test", None, None, None, None)]
    assert cleaned.errors == []


@pytest.mark.parametrize("space", ["\t", "\n", "\u00a0", "\u3000"])
def test_any_kind_of_space_in_a_header_is_a_space(space: str) -> None:
    assert problems({f"First{space}Name": "Ada", "email": "ada@acme.test"}) == []


def test_values_come_in_declaration_order_and_rows_in_submitted_order() -> None:
    cleaned = clean(
        {"Team": " Reds ", "tag list": "a,b", "E-Mail": "ADA@acme.test", "First Name": " Ada "},
        {"first_name": "Bob", "email": "bob@acme.test", "former-team": "Blues", "nick": " "},
    )

    assert cleaned.importable is PLAYER
    assert values(cleaned) == [
        ("Ada", "ADA@acme.test", None, ["a", "b"], "Reds", None),
        ("Bob", "bob@acme.test", None, None, None, "Blues"),
    ]
    assert cleaned.errors == []


@pytest.mark.parametrize("row", [None, True, 1, 1.5, "Ada", [], ["Ada"]])
def test_a_row_that_is_no_object_is_one_error_of_the_row(row: object) -> None:
    cleaned = clean(ADA, row)

    assert cleaned.errors == [row_error(2, None, "Row must be an object")]
    assert values(cleaned)[1] == (None,) * 6


@pytest.mark.parametrize("blank", ["", " \t", None])
def test_a_blank_cell_is_a_missing_one(blank: object) -> None:
    expected = [row_error(1, "email", "Email can't be blank"), row_error(1, "first_name", "First name can't be blank")]

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
        assert problems({**ADA, header: cell}) == [row_error(1, column, message)]


@pytest.mark.parametrize("cells", [("Ada", "Ada"), ("Ada", ""), (None, "Ada"), (1, "Ada")])
def test_two_headers_that_name_one_column_are_an_error_whatever_their_cells(cells: tuple[Any, Any]) -> None:
    row = {"First Name": cells[0], "email": "ada@acme.test", "first_name": cells[1]}

    assert problems(row) == [row_error(1, "first_name", "First name is given more than once")]


def test_a_header_repeated_in_the_json_counts_as_two_headers() -> None:
    row = read_json('{"first_name": "Ada", "email": "a@acme.test", "email": "b@acme.test", "x": 1, "x": 2}')

    assert problems(row) == [
        row_error(1, "email", "Email is given more than once"),
        row_error(1, "x", "X is not a column of player"),
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
def test_an_invalid_cell_is_one_error_and_has_no_value(column: str, cell: object, message: str) -> None:
    cleaned = clean({**ADA, column: cell})

    assert cleaned.errors == [row_error(1, column, message)]
    assert values(cleaned)[0][PLAYER.position(column)] is None


def test_every_error_of_every_row_is_reported() -> None:
    rows = [
        {"team": 1, "shoe": 1, "email": "ada", "hat": 2},
        ADA,
        "Ada",
        {"tag_list": 0, "first_name": 0, "nick": [], "email": "bob@acme.test"},
    ]

    assert problems(*rows) == sort(
        [
            row_error(1, "shoe", "Shoe is not a column of player"),
            row_error(1, "hat", "Hat is not a column of player"),
            row_error(1, "first_name", "First name can't be blank"),
            row_error(1, "email", "Email is not an email"),
            row_error(1, "team", "Team must be text"),
            row_error(3, None, "Row must be an object"),
            row_error(4, "first_name", "First name must be text"),
            row_error(4, "nick", "Nick must be text"),
            row_error(4, "tag_list", "Tag list must be a list of text, or text with commas between"),
        ]
    )


def test_a_row_of_a_type_without_references_is_read_like_any_other() -> None:
    cleaned = clean({"Name": "Reds", "Due Days": "30"}, {"Due Days": "-1"}, importable=TEAM)

    assert values(cleaned) == [("Reds", 30), (None, None)]
    assert sort(cleaned.errors) == [
        row_error(2, "due_days", "Due days must be 0 or more"),
        row_error(2, "name", "Name can't be blank"),
    ]


# --- chunks ----------------------------------------------------------------------------------------------------------

headers = st.sampled_from(["first_name", "First Name", "email", "nick", "tag-list", "team", "hat"])
cells = st.sampled_from(["Ada", "ada@acme.test", " ", None, 7, ["a"], "x" * 256])
mixed_rows = st.dictionaries(headers, cells, max_size=4) | st.sampled_from([None, "Ada"])


@given(st.lists(mixed_rows, min_size=1, max_size=5), st.integers(1, 100), st.booleans())
@settings(deadline=None, max_examples=100)
def test_a_row_is_cleaned_the_same_whatever_rows_are_around_it(
    rows: list[Any], first_row: int, may_match: bool
) -> None:
    together = clean(*rows, first_row=first_row, may_match=may_match)
    cleaner = RowCleaner(PLAYER, may_match=may_match)
    alone = [cleaner.clean([row], first_row=number) for number, row in enumerate(rows, start=first_row)]

    assert values(together) == [each for chunk in alone for each in values(chunk)]
    assert sort(together.errors) == sort([error for chunk in alone for error in chunk.errors])
    assert [{at for at, nulls in together.nulls.items() if index in nulls} for index in range(len(rows))] == [
        {at for at, nulls in chunk.nulls.items() if nulls} for chunk in alone
    ]


def test_rows_are_numbered_from_the_first_row_of_the_chunk() -> None:
    cleaned = clean(ADA, {**ADA, "nick": 7}, "Ada", {**ADA, "hat": 1}, first_row=2_001)

    assert (cleaned.row_count, cleaned.rows) == (4, range(2_001, 2_005))
    assert sort(cleaned.errors) == [
        row_error(2_002, "nick", "Nick must be text"),
        row_error(2_003, None, "Row must be an object"),
        row_error(2_004, "hat", "Hat is not a column of player"),
    ]


def test_a_chunk_without_rows_has_every_column() -> None:
    cleaned = clean()

    assert (cleaned.row_count, cleaned.rows, values(cleaned), cleaned.errors) == (0, range(1, 1), [], [])
    assert len(cleaned.columns) == len(PLAYER.column_names)


def test_the_first_unknown_columns_of_a_type_are_named_and_the_rest_are_counted() -> None:
    row = {**ADA, **{f"x{number}": None for number in range(NAMED_HEADERS + 7)}}

    cleaned = clean(ADA, row, {**row, "nick": 7}, {**ADA, "hat": None})

    assert cleaned.uncounted == 15
    assert sort(cleaned.errors) == sort(
        [
            *(row_error(2, f"x{index}", f"X{index} is not a column of player") for index in range(NAMED_HEADERS)),
            row_error(3, "nick", "Nick must be text"),
        ]
    )


def test_an_unknown_column_is_one_error_of_the_first_row_that_has_it() -> None:
    cleaner = RowCleaner(PLAYER, unknown_columns={"boots": 1})

    first = cleaner.clean([ADA, {**ADA, "Shoe Size": 40}, {**ADA, "shoe_size": 41, "boots": 2}], first_row=1)
    second = cleaner.clean([{**ADA, "SHOE-SIZE": 42, "hat": None}], first_row=4)

    assert first.errors == [row_error(2, "shoe_size", "Shoe size is not a column of player")]
    assert second.errors == [row_error(4, "hat", "Hat is not a column of player")]
    assert (first.with_unknown, second.with_unknown) == ({2, 3}, {4})
    assert cleaner.unknown_columns == {"boots": 1, "shoe_size": 2, "hat": 4}


def test_rows_that_are_not_consecutive_keep_their_numbers() -> None:
    cleaned = RowCleaner(PLAYER).clean([{**ADA, "nick": 7}, "Ada"], numbers=[3, 70])

    assert (list(cleaned.rows), cleaned.row_count) == ([3, 70], 2)
    assert cleaned.errors == [
        row_error(70, None, "Row must be an object"),
        row_error(3, "nick", "Nick must be text"),
    ]


def test_a_deleted_row_has_no_errors() -> None:
    cleaned = RowCleaner(PLAYER).clean([ADA, {}, {}], deleted={2})

    assert {error.row for error in cleaned.errors} == {3}


def test_a_known_column_is_found_however_many_unknown_ones_came_before() -> None:
    cleaner = RowCleaner(PLAYER)
    cleaner.clean([{f"x{number}": 1 for number in range(2 * NAMED_HEADERS)}], first_row=1)

    cleaned = cleaner.clean([{"First Name": "Ada", "E-Mail": "ada@acme.test"}], first_row=2)

    assert values(cleaned) == [("Ada", "ada@acme.test", None, None, None, None)]
    assert cleaned.errors == []


# --- rows that may match records --------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [{"email": "b@acme.test"}, {"First Name": "Bob", "first-name": "Bob"}, 7])
def test_a_null_differs_from_a_blank_cell_where_rows_may_match_records(other: object) -> None:
    rows = [{**ADA, "nick": None, "team": ""}, {**ADA, "nick": " ", "team": None}, {"first_name": "Ada"}, other]

    assert {at: nulls for at, nulls in clean(*rows, may_match=True).nulls.items() if nulls} == {NICK: {0}, TEAM_AT: {1}}
    assert clean(*rows).nulls == {}


def test_a_blank_required_cell_is_refused_once_the_matching_rows_are_known() -> None:
    rows = [{"email": "a@acme.test"}, {"first_name": None}, {"first_name": " "}, {}]
    cleaned = clean(*rows, first_row=11, may_match=True)
    assert cleaned.errors == []

    cleaned.require(PLAYER.required_positions, matched={11: 1, 12: 2}, ignored={13})

    assert sort(cleaned.errors) == [
        row_error(12, "first_name", "First name can't be blank"),
        row_error(14, "email", "Email can't be blank"),
        row_error(14, "first_name", "First name can't be blank"),
    ]


def test_a_cell_that_has_an_error_already_is_not_refused_as_blank() -> None:
    cleaned = clean({"first_name": 7, "email": ""}, "Ada", {"first_name": "A", "First Name": "B"}, may_match=True)
    cleaned.excuse(0, [EMAIL])

    cleaned.require(PLAYER.required_positions)

    assert sort(cleaned.errors) == [
        row_error(1, "first_name", "First name must be text"),
        row_error(2, None, "Row must be an object"),
        row_error(3, "email", "Email can't be blank"),
        row_error(3, "first_name", "First name is given more than once"),
    ]
