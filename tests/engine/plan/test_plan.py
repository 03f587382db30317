"""Clean chunks and results of lookups, given here by hand, become a plan of records or all row errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from importsvc.engine.plan.plan import RowRef
from tests.engine.example import PLAYER, TEAM, planned_player, player
from tests.engine.planning import PlannedPayload, plan_in_chunks_of_any_size
from tests.engine.row_errors import row_error

TAKEN = "has already been taken"


def plan(
    payload: Mapping[str, list[Any]],
    *,
    teams: Mapping[str, list[int]] | None = None,
    emails: Sequence[str] = (),
    folded: Mapping[str, str] | None = None,
) -> PlannedPayload:
    """The plan for an organization that has these teams (ids by folded name) and players of these addresses."""
    records = {("team", "name"): teams or {}, ("player", "email"): {email: [9] for email in emails}}
    return plan_in_chunks_of_any_size(payload, [TEAM, PLAYER], records=records, folded=folded)


def test_records_come_in_dependency_order_whatever_the_order_submitted() -> None:
    made = plan({"player": [player(1, team="Reds")], "team": [{"name": "Reds", "due_days": 30}]})

    assert made.is_valid
    assert list(made.created.items()) == [
        ("team", [(1, ("Reds", 30))]),
        ("player", [(1, planned_player(1, team=RowRef("team", 1)))]),
    ]


@pytest.mark.parametrize("payload", [{"team": [{"name": "Reds"}], "player": []}, {"team": [{"name": "Reds"}]}])
def test_a_type_may_have_no_rows(payload: dict[str, Any]) -> None:
    made = plan(payload)

    assert made.created == {"team": [(1, ("Reds", None))]} | {name: [] for name in payload if name != "team"}
    assert made.errors == {name: [] for name in payload}
    assert [chunk.row_count for chunk in made.chunks] == [len(rows) for rows in payload.values()]


@pytest.mark.parametrize(
    ("teams", "name", "target"),
    [
        ({}, "Reds", RowRef("team", 2)),
        ({}, " rEDS ", RowRef("team", 2)),
        ({"reds": [7]}, "REDS", 7),
        ({"reds": [7], "blues": [8]}, "Blues", 8),
        ({"blues": [8]}, "Greens", RowRef("team", 1)),
        ({"blues": [8]}, None, None),
        ({"blues": [8]}, " ", None),
    ],
)
def test_a_reference_resolves_to_an_existing_record_and_otherwise_to_a_row(
    teams: dict[str, list[int]], name: str | None, target: object
) -> None:
    made = plan({"team": [{"name": "Greens"}, {"name": "Reds"}], "player": [player(1, team=name)]}, teams=teams)

    assert made.errors["player"] == []
    assert made.created["player"] == [(1, planned_player(1, team=target))]


def test_two_references_of_a_row_are_resolved_independently() -> None:
    made = plan(
        {
            "team": [{"name": "Reds"}],
            "player": [
                player(1, team="reds", former_team="blues"),
                player(2, former_team="reds"),
                player(3, team="none", former_team="nothing"),
            ],
        },
        teams={"blues": [8]},
    )

    assert made.created["player"] == [
        (1, planned_player(1, team=RowRef("team", 1), former_team=8)),
        (2, planned_player(2, team=None, former_team=RowRef("team", 1))),
        (3, planned_player(3, team=None, former_team=None)),
    ]
    assert made.errors["player"] == [
        row_error(3, "team", "Team must exist"),
        row_error(3, "former_team", "Former team must exist"),
    ]


@pytest.mark.parametrize(
    ("teams", "problems"),
    [
        ({}, ["must exist", "must exist", "must exist"]),
        ({"reds": [7, 9]}, ["must exist", "is ambiguous", "is ambiguous"]),
        ({"red": [1, 2]}, ["is ambiguous", "must exist", "must exist"]),
    ],
)
def test_a_missing_or_ambiguous_reference_is_an_error_of_each_row(
    teams: dict[str, list[int]], problems: list[str]
) -> None:
    made = plan({"player": [player(1, team="red"), player(2, team="Reds"), player(3, team="REDS")]}, teams=teams)

    assert made.errors["player"] == [row_error(row, "team", f"Team {why}") for row, why in enumerate(problems, start=1)]
    assert not made.is_valid


def test_a_team_in_the_organization_twice_is_ambiguous_even_if_a_row_has_its_name() -> None:
    made = plan({"team": [{"name": "Reds"}], "player": [player(1, team="Reds")]}, teams={"reds": [7, 9]})

    assert made.errors == {
        "team": [row_error(1, "name", f"Name {TAKEN}")],
        "player": [row_error(1, "team", "Team is ambiguous")],
    }


@pytest.mark.parametrize(
    ("rows", "errors"),
    [
        (["a@x.io", "b@x.io"], {}),
        (["a@x.io", "A@X.IO", "b@x.io", "a@x.io"], {2: f"{TAKEN} by row 1", 4: f"{TAKEN} by row 1"}),
        (["old@x.io", "a@x.io"], {1: TAKEN}),
        (["a@x.io", "OLD@X.io", "a@X.io", "Old@x.io"], {2: TAKEN, 3: f"{TAKEN} by row 1", 4: f"{TAKEN} by row 2"}),
    ],
)
def test_a_unique_value_is_refused_in_every_row_but_the_first_that_has_it(
    rows: list[str], errors: dict[int, str]
) -> None:
    players = [{"first_name": "Ada", "email": address} for address in rows]

    made = plan({"player": players}, emails=["old@x.io"])

    assert made.errors == {"player": [row_error(row, "email", f"Email {why}") for row, why in errors.items()]}


def test_blank_values_are_never_taken() -> None:
    made = plan({"player": [player(1), player(2, nick=""), player(3, nick=None), player(4, nick="Ace")]})

    assert made.is_valid


def test_values_that_are_not_ascii_are_compared_as_the_database_folds_them() -> None:
    folded = {"ÉCOLE": "école", "école": "école", "Straße": "straße", "İ": "an answer Python would not give"}

    made = plan(
        {
            "team": [{"name": "ÉCOLE"}, {"name": "école"}, {"name": "Straße"}, {"name": "STRASSE"}],
            "player": [player(1, team="école"), player(2, team="İ")],
        },
        teams={"an answer Python would not give": [5]},
        folded=folded,
    )

    assert made.errors == {"team": [row_error(2, "name", f"Name {TAKEN} by row 1")], "player": []}
    assert [values[4] for _, values in made.created["player"]] == [RowRef("team", 1), 5]


def test_importing_the_same_file_again_reports_only_taken_values() -> None:
    made = plan(
        {"team": [{"name": "Reds"}, {"name": "Blues"}], "player": [player(1, team="reds"), player(2, team="Blues")]},
        teams={"reds": [7], "blues": [8]},
        emails=["p1@acme.test", "p2@acme.test"],
    )

    assert made.errors == {
        "team": [row_error(1, "name", f"Name {TAKEN}"), row_error(2, "name", f"Name {TAKEN}")],
        "player": [row_error(1, "email", f"Email {TAKEN}"), row_error(2, "email", f"Email {TAKEN}")],
    }


def test_a_row_with_an_error_can_still_be_referred_to() -> None:
    made = plan({"team": [{"name": "Reds", "due_days": "soon"}, {"name": "REDS"}], "player": [player(1, team="reds")]})

    assert made.errors == {
        "team": [
            row_error(1, "due_days", "Due days must be a whole number"),
            row_error(2, "name", f"Name {TAKEN} by row 1"),
        ],
        "player": [],
    }


def test_errors_come_in_row_order_then_in_declaration_order_with_rows_numbered_within_the_type() -> None:
    made = plan(
        {
            "player": [
                player(1, team="none"),
                player(2, team="none", nick=7, hat="x", email="P1@acme.test", shoe="x"),
                7,
                player(4, email="", team="none"),
                player(5),
            ],
            "team": [{"name": "Reds"}, {"name": "reds"}],
        }
    )

    assert made.errors == {
        "team": [row_error(2, "name", f"Name {TAKEN} by row 1")],
        "player": [
            row_error(1, "team", "Team must exist"),
            row_error(2, "hat", "Hat is not a column of player"),
            row_error(2, "shoe", "Shoe is not a column of player"),
            row_error(2, "email", f"Email {TAKEN} by row 1"),
            row_error(2, "nick", "Nick must be text"),
            row_error(2, "team", "Team must exist"),
            row_error(3, None, "Row must be an object"),
            row_error(4, "email", "Email can't be blank"),
            row_error(4, "team", "Team must exist"),
        ],
    }
