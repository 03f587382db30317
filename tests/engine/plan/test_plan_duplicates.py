"""Rows that match records: their values are collected, and columns without a cell keep their value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from importsvc.engine.plan.plan import GivenValues, OnDuplicate, RowRef
from importsvc.engine.schema.importable import Column, Importable, Reference
from tests.engine.example import MATCHED_PLAYER, MATCHED_TEAM, NO_MODEL, PLAYER, TEAM
from tests.engine.planning import PlannedPayload, plan_in_chunks_of_any_size
from tests.engine.row_errors import row_error

FIRST_NAME, EMAIL, NICK, TAG_LIST, TEAM_AT, FORMER_TEAM = range(6)

# The existing records.
TEAMS = {"reds": [1], "blues": [2, 3]}
EMAILS = {"p1@acme.test": [11], "p2@acme.test": [12]}
NICKS = {"ace": [11]}


RECORDS: dict[tuple[str, str], dict[str, list[int]]] = {
    ("team", "name"): TEAMS,
    ("player", "email"): EMAILS,
    ("player", "nick"): NICKS,
}


def plan(on_duplicate: OnDuplicate, payload: Mapping[str, list[Any]]) -> PlannedPayload:
    return plan_in_chunks_of_any_size(
        payload, [MATCHED_TEAM, MATCHED_PLAYER], records=RECORDS, on_duplicate=on_duplicate
    )


def player(email: str, **cells: object) -> dict[str, object]:
    return {"first_name": "P", "email": email, **cells}


def test_by_default_a_row_that_matches_a_record_is_an_error() -> None:
    assert plan("error", {"player": [player("P1@acme.test")]}).errors == {
        "player": [row_error(1, "email", "Email has already been taken")]
    }


def test_update_collects_the_values_of_matching_rows_and_creates_records_for_the_rest() -> None:
    made = plan(
        "update",
        {"player": [player("new@acme.test"), player("P1@Acme.test", tag_list=["a"]), player("x@acme.test")]},
    )

    assert made.errors == {"player": []}
    assert made.given["player"] == [GivenValues(2, 11, {FIRST_NAME: "P", EMAIL: "P1@Acme.test", TAG_LIST: ["a"]})]
    assert made.created == {
        "player": [
            (1, ("P", "new@acme.test", None, None, None, None)),
            (3, ("P", "x@acme.test", None, None, None, None)),
        ]
    }
    assert made.skipped == {"player": 0}
    assert [chunk.row_count for chunk in made.chunks] == [3]


def test_blank_and_missing_cells_leave_the_value_and_null_clears_it() -> None:
    made = plan("update", {"player": [{"email": "p1@acme.test", "first_name": " ", "nick": None, "team": ""}]})

    assert made.errors == {"player": []}
    assert made.given["player"] == [GivenValues(1, 11, {EMAIL: "p1@acme.test", NICK: None})]


def test_null_clears_a_value_also_where_rows_have_different_headers() -> None:
    made = plan("update", {"player": [{"email": "p1@acme.test", "Nick": None}, {"E-Mail": "p2@acme.test", "nick": ""}]})

    assert made.given["player"] == [
        GivenValues(1, 11, {EMAIL: "p1@acme.test", NICK: None}),
        GivenValues(2, 12, {EMAIL: "p2@acme.test"}),
    ]


@pytest.mark.parametrize(
    "rows", [[{"email": "p1@acme.test", "first_name": None}], [{"e_mail": "p1@acme.test", "First Name": None}, "x"]]
)
def test_a_required_column_cannot_be_cleared(rows: list[Any]) -> None:
    errors = plan("update", {"player": rows}).errors["player"]

    assert errors[0] == row_error(1, "first_name", "First name can't be blank")


def test_new_records_need_required_values_whatever_on_duplicate_is() -> None:
    modes: list[OnDuplicate] = ["skip", "update"]
    for mode in modes:
        assert plan(
            mode, {"player": [{"email": "p1@acme.test"}, {"email": "new@acme.test"}, {"nick": "x"}]}
        ).errors == {
            "player": [
                row_error(2, "first_name", "First name can't be blank"),
                row_error(3, "first_name", "First name can't be blank"),
                row_error(3, "email", "Email can't be blank"),
            ]
        }


def test_an_invalid_cell_is_reported_once() -> None:
    rows = [{"email": "p1@acme.test", "first_name": 1}, {"email": "no address", "first_name": "x" * 256}]

    errors = plan("update", {"player": rows}).errors["player"]

    assert [(error.row, error.column) for error in errors] == [(1, "first_name"), (2, "first_name"), (2, "email")]


def test_a_second_row_that_matches_the_same_record_is_an_error() -> None:
    modes: list[OnDuplicate] = ["skip", "update"]
    for mode in modes:
        assert plan(
            mode, {"player": [player("p1@acme.test"), player("p2@acme.test"), player("P1@ACME.test")]}
        ).errors == {"player": [row_error(3, "email", "Email has already been taken by row 1")]}
        assert plan(mode, {"player": [player("new@acme.test"), player("New@acme.test")]}).errors == {
            "player": [row_error(2, "email", "Email has already been taken by row 1")]
        }


def test_a_value_of_several_records_is_ambiguous_for_update_and_a_match_for_skip() -> None:
    assert plan("update", {"team": [{"name": "Blues"}]}).errors == {"team": [row_error(1, "name", "Name is ambiguous")]}
    made = plan("skip", {"team": [{"name": "Blues"}]})
    assert (made.errors, made.created, made.skipped) == ({"team": []}, {"team": []}, {"team": 1})


def test_a_record_may_keep_its_own_value_of_another_unique_column() -> None:
    assert plan("update", {"player": [player("p1@acme.test", nick="Ace")]}).is_valid
    assert plan(
        "update", {"player": [player("p2@acme.test", nick="Ace"), player("n@acme.test", nick="ace")]}
    ).errors == {
        "player": [
            row_error(1, "nick", "Nick has already been taken"),
            row_error(2, "nick", "Nick has already been taken by row 1"),
        ]
    }


def test_skipped_rows_are_checked_for_invalid_cells_only() -> None:
    rows = [player("p1@acme.test", team="None", nick="ace"), player("p2@acme.test", first_name=1)]
    made = plan("skip", {"player": [*rows, player("new@acme.test", nick="x"), player("n@acme.test", team="None")]})

    errors = [(error.row, error.column) for error in made.errors["player"]]
    assert errors == [(2, "first_name"), (4, "team")]
    assert (made.given, made.skipped) == ({"player": []}, {"player": 2})


def test_a_skipped_row_takes_no_unique_value() -> None:
    made = plan("skip", {"player": [player("p2@acme.test", nick="x"), player("new@acme.test", nick="x")]})

    assert made.errors == {"player": []}
    assert made.created["player"] == [(2, ("P", "new@acme.test", "x", None, None, None))]


def test_references_resolve_to_a_matched_record_or_to_the_row_that_creates_one() -> None:
    payload: dict[str, list[Any]] = {
        "team": [{"name": "REDS", "due_days": 5}, {"name": "Greens"}],
        "player": [player("p1@acme.test", team="reds"), player("p2@acme.test", team="greens", former_team=None)],
    }
    made = plan("update", payload)

    assert made.errors == {"team": [], "player": []}
    assert made.given == {
        "team": [GivenValues(1, 1, {0: "REDS", 1: 5})],
        "player": [
            GivenValues(1, 11, {FIRST_NAME: "P", EMAIL: "p1@acme.test", TEAM_AT: 1}),
            GivenValues(2, 12, {FIRST_NAME: "P", EMAIL: "p2@acme.test", TEAM_AT: RowRef("team", 2), FORMER_TEAM: None}),
        ],
    }
    assert made.created == {"team": [(2, ("Greens", None))], "player": []}


def test_an_unresolved_reference_is_an_error_of_an_update() -> None:
    assert plan("update", {"player": [player("p1@acme.test", team="None")]}).errors == {
        "player": [row_error(1, "team", "Team must exist")]
    }


def test_a_type_without_a_match_key_only_creates() -> None:
    made = plan_in_chunks_of_any_size(
        {"player": [player("p1@acme.test")]}, [PLAYER], records=RECORDS, on_duplicate="update"
    )

    assert made.errors == {"player": [row_error(1, "email", "Email has already been taken")]}


def test_a_match_key_is_a_unique_column() -> None:
    with pytest.raises(ValueError, match="team cannot be matched by due_days, which is no unique column"):
        Importable(name="team", model=NO_MODEL, columns=TEAM.columns, match_key="due_days")


def test_a_value_that_an_update_sets_can_be_referred_to() -> None:
    code = Column("code", clean=TEAM.columns[0].clean, unique=True)
    team = Importable(name="team", model=NO_MODEL, columns=(*TEAM.columns, code), match_key="name")
    goal = Importable(name="goal", model=NO_MODEL, columns=(), references=(Reference("team", to="team", by="code"),))

    made = plan_in_chunks_of_any_size(
        {"team": [{"name": "reds", "code": "R"}], "goal": [{"team": "r"}]},
        [team, goal],
        records=RECORDS,
        on_duplicate="update",
    )

    assert made.errors == {"team": [], "goal": []}
    assert made.created["goal"] == [(1, (1,))]
