"""Rows match records by the unique column that an import names."""

from __future__ import annotations

from typing import Any

import pytest

from importsvc.engine.parse.cells import text
from importsvc.engine.plan.plan import GivenValues, OnDuplicate, RowRef
from importsvc.engine.schema.importable import Column, Importable, Reference
from tests.engine.example import NO_MODEL, TEAM
from tests.engine.planning import PlannedPayload, plan_in_chunks_of_any_size
from tests.engine.row_errors import row_error

NAME = Column("name", clean=text, required=True, unique=True)
CODE = Column("code", clean=text, unique=True, case_sensitive=True)
CLUB = Importable(name="club", model=NO_MODEL, columns=(NAME, CODE), match_key="name")
FAN = Importable(
    name="fan",
    model=NO_MODEL,
    columns=(Column("first_name", clean=text, required=True),),
    references=(Reference("club", to="club", by="name"), Reference("other", to="club", by="code")),
)
# The club 1 is called Reds and has the code "a", and so on.
RECORDS = {
    ("club", "name"): {"reds": [1], "blues": [2], "twice": [3, 4]},
    ("club", "code"): {"a": [1], "A": [2], "c": [3], "d": [4]},
}


def plan(on_duplicate: OnDuplicate, match_by: str | None = "code", **rows: list[Any]) -> PlannedPayload:
    return plan_in_chunks_of_any_size(rows, [CLUB, FAN], records=RECORDS, on_duplicate=on_duplicate, match_by=match_by)


def test_rows_match_by_the_named_column_in_which_upper_and_lower_case_may_differ() -> None:
    made = plan("update", club=[{"name": "New reds", "code": "a"}, {"name": "New blues", "code": "A"}])

    assert made.is_valid
    assert made.given["club"] == [
        GivenValues(1, 1, {0: "New reds", 1: "a"}),
        GivenValues(2, 2, {0: "New blues", 1: "A"}),
    ]


@pytest.mark.parametrize("match_by", [None, "name", "email"])
def test_a_type_without_the_named_column_keeps_its_own_match_key(match_by: str | None) -> None:
    made = plan("update", match_by, club=[{"name": "REDS", "code": "x"}])

    assert made.given["club"] == [GivenValues(1, 1, {0: "REDS", 1: "x"})]


def test_a_type_without_a_match_key_of_its_own_matches_by_the_named_column() -> None:
    records = {("team", "name"): {"reds": [1]}}

    made = plan_in_chunks_of_any_size(
        {"team": [{"name": "reds"}]}, [TEAM], records=records, on_duplicate="update", match_by="name"
    )

    assert made.given["team"] == [GivenValues(1, 1, {0: "reds"})]


def test_values_that_differ_by_case_only_are_different_in_a_case_sensitive_column() -> None:
    made = plan("error", club=[{"name": "One", "code": "b"}, {"name": "Two", "code": "B"}, {"name": "3", "code": "b"}])

    assert made.errors["club"] == [row_error(3, "code", "Code has already been taken by row 1")]


@pytest.mark.parametrize("on_duplicate", ["skip", "update"])
def test_two_rows_for_one_record_are_an_error(on_duplicate: OnDuplicate) -> None:
    made = plan(on_duplicate, club=[{"name": "One", "code": "a"}, {"name": "Two", "code": "a"}])

    assert made.errors["club"] == [row_error(2, "code", "Code has already been taken by row 1")]


def test_an_update_may_not_take_the_unique_value_of_another_record() -> None:
    made = plan("update", club=[{"name": "BLUES", "code": "a"}, {"name": "Greens", "code": "A"}])

    assert made.errors["club"] == [row_error(1, "name", "Name has already been taken")]


def test_a_value_that_an_update_gives_up_is_still_taken() -> None:
    made = plan("update", club=[{"name": "Greens", "code": "a"}, {"name": "Reds"}])

    assert made.errors["club"] == [row_error(2, "name", "Name has already been taken")]


def test_a_record_that_is_renamed_can_be_referred_to_by_both_names() -> None:
    fans = [{"first_name": "F", "club": name} for name in ("greens", "REDS")]
    made = plan("update", club=[{"name": "Greens", "code": "a"}], fan=fans)

    assert made.is_valid
    assert [values for _, values in made.created["fan"]] == [("F", 1, None), ("F", 1, None)]


def test_the_name_of_a_skipped_row_refers_to_the_record_that_it_matches() -> None:
    fans = [{"first_name": "F", "club": name} for name in ("greens", "reds", "Yellows")]
    clubs = [{"name": "Greens", "code": "a"}, {"name": "Yellows"}, {"name": "yellows", "code": "A"}]
    made = plan("skip", club=clubs, fan=fans)

    assert made.is_valid
    assert made.skipped["club"] == 2
    assert [values[1] for _, values in made.created["fan"]] == [1, 1, RowRef("club", 2)]


def test_references_compare_as_the_column_that_they_refer_to() -> None:
    fans = [{"first_name": "F", "other": code} for code in ("a", "A", "n", "N")]
    made = plan("update", club=[{"name": "New", "code": "n"}], fan=fans)

    assert [values[2] for _, values in made.created["fan"][:3]] == [1, 2, RowRef("club", 1)]
    assert made.errors["fan"] == [row_error(4, "other", "Other must exist")]


@pytest.mark.parametrize(
    ("on_duplicate", "match_by", "club", "fan"),
    [
        ("error", "code", [], []),
        ("skip", "code", [1, 3], [1]),
        ("update", "code", [1, 3], [1]),
        ("update", None, [], [1]),
    ],
)
def test_rows_without_a_value_to_match_by_are_listed(
    on_duplicate: OnDuplicate, match_by: str | None, club: list[int], fan: list[int]
) -> None:
    clubs = [{"name": "One"}, {"name": "Two", "code": "a"}, {"name": "Three", "code": " "}]
    rows = clubs if on_duplicate != "error" else [clubs[0], clubs[2]]

    made = plan(on_duplicate, match_by, club=rows, fan=[{"first_name": "F"}])

    assert made.without_key == {"club": club, "fan": fan}
