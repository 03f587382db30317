"""Chunks of one type are planned one after the other: what a plan remembers of earlier chunks, and looks up."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from importsvc.engine.parse.cells import email, text
from importsvc.engine.parse.rows import NAMED_HEADERS, RowCleaner
from importsvc.engine.plan import row_checks
from importsvc.engine.plan.lookups import Lookups
from importsvc.engine.plan.plan import OnDuplicate, PlannedChunk, Questions, RowRef, TypePlanner
from importsvc.engine.schema.importable import Column, Importable
from tests.engine.example import MATCHED_PLAYER, MATCHED_TEAM, NO_MODEL, PLAYER, TEAM, planned_player, player
from tests.engine.planning import answer, plan_payload
from tests.engine.row_errors import row_error

TAKEN = "has already been taken"


def know_nothing(questions: Questions) -> Lookups:
    return answer(questions, records={})


def test_errors_that_a_chunk_does_not_list_are_counted() -> None:
    wide = player(2) | {f"x{number}": 1 for number in range(NAMED_HEADERS + 3)}
    made = plan_payload({"player": [player(1), wide, player(3)]}, [PLAYER], know_nothing, chunk_rows=1)

    assert [(len(chunk.errors), chunk.uncounted) for chunk in made.chunks] == [(0, 0), (NAMED_HEADERS, 3), (0, 0)]


def test_every_planned_chunk_has_its_number_of_rows_and_their_outcomes() -> None:
    made = plan_payload({"player": [player(1), player(2), player(3)]}, [PLAYER], know_nothing, chunk_rows=2)

    assert [(chunk.importable, chunk.row_count, list(chunk.created.rows)) for chunk in made.chunks] == [
        (PLAYER, 2, [1, 2]),
        (PLAYER, 1, [3]),
    ]


def test_a_value_is_taken_by_a_row_of_an_earlier_chunk() -> None:
    rows = [player(1), player(2), player(3, email="P1@ACME.test"), player(4, nick="x"), player(5, nick="X")]

    for chunk_rows in (1, 2, 3):
        made = plan_payload({"player": rows}, [PLAYER], know_nothing, chunk_rows=chunk_rows)
        assert made.errors == {
            "player": [row_error(3, "email", f"Email {TAKEN} by row 1"), row_error(5, "nick", f"Nick {TAKEN} by row 4")]
        }


def test_a_chunk_looks_up_its_unique_values_and_the_names_not_looked_up_before() -> None:
    rows = [
        player(1, team="Reds"),
        player(2, nick="Ace", team="Blues", former_team="none"),
        player(3, team="Reds", former_team="reds"),
        player(4, nick="Ace", team="none"),
    ]

    made = plan_payload({"player": rows}, [PLAYER], know_nothing, chunk_rows=2)

    assert made.questions == [
        Questions(
            taken={("player", "email"): {"p1@acme.test", "p2@acme.test"}, ("player", "nick"): {"Ace"}},
            found={("team", "name"): {"Reds", "Blues", "none"}},
        ),
        Questions(
            taken={("player", "email"): {"p3@acme.test", "p4@acme.test"}, ("player", "nick"): {"Ace"}},
            found={("team", "name"): {"reds", "none"}},  # each of a column without this value so far
        ),
    ]


@pytest.mark.parametrize("is_referenced", [False, True])
def test_values_left_to_a_constraint_are_not_compared_unless_a_later_type_may_refer_to_them(
    is_referenced: bool,
) -> None:
    guarded = Importable(
        name="player",
        model=NO_MODEL,
        columns=(
            Column("email", clean=email, unique=True),
            Column("nick", clean=text, unique=True, constrained=False),
        ),
    )
    planner = TypePlanner(
        guarded, on_duplicate="error", earlier={}, is_referenced=is_referenced, trusts_constraints=True
    )
    rows = [{"email": "p1@acme.test", "nick": "Ace"}, {"email": "P1@acme.test"}, {"nick": "ACE"}]
    clean = RowCleaner(guarded).clean(rows, first_row=1)

    questions = planner.ask(clean)
    planned = planner.plan(clean, know_nothing(questions))

    folded_only = {("player", "email"): {"p1@acme.test", "P1@acme.test"}} if is_referenced else {}
    assert questions == Questions(taken={("player", "nick"): {"Ace", "ACE"}}, trusted=folded_only)
    compared = [row_error(2, "email", f"Email {TAKEN} by row 1")] if is_referenced else []
    assert planned.errors == [*compared, row_error(3, "nick", f"Nick {TAKEN} by row 1")]


def test_a_name_looked_up_before_resolves_to_the_same_record() -> None:
    records = {("team", "name"): {"reds": [7], "blues": [8, 9]}}
    answers = iter([records, {}, {}])
    rows = [player(number, team=name) for number, name in enumerate(["Reds", "Blues", "none", "Reds"] * 3, start=1)]

    made = plan_payload(
        {"player": rows}, [PLAYER], lambda questions: answer(questions, records=next(answers)), chunk_rows=4
    )

    assert [questions.found["team", "name"] for questions in made.questions] == [
        {"Reds", "Blues", "none"},
        set(),
        set(),
    ]
    assert [values[4] for _, values in made.created["player"]] == [7, None, None, 7] * 3
    assert made.errors["player"] == [
        row_error(row, "team", f"Team {why}")
        for first in (2, 6, 10)
        for row, why in ((first, "is ambiguous"), (first + 1, "must exist"))
    ]


def test_names_are_looked_up_again_once_too_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_checks, "CACHED_NAMES", 2)
    names = ["A", "B", "A", "none", "A", "B", "none"]
    rows = [player(number, team=name) for number, name in enumerate(names, start=1)]
    records = {("team", "name"): {"a": [1], "b": [2]}}

    made = plan_payload({"player": rows}, [PLAYER], lambda asked: answer(asked, records=records), chunk_rows=1)

    assert [sorted(questions.found["team", "name"]) for questions in made.questions] == [
        ["A"], ["B"], [], ["none"], ["A"], ["B"], ["none"]
    ]  # fmt: skip
    assert [values[4] for _, values in made.created["player"]] == [1, 2, 1, None, 1, 2, None]
    assert made.errors["player"] == [row_error(4, "team", "Team must exist"), row_error(7, "team", "Team must exist")]


def test_a_reference_is_to_a_row_of_any_chunk() -> None:
    teams = [{"name": f"T{number}"} for number in range(1, 6)]
    players = [player(1, team="t5"), player(2, team="T1", former_team="t3"), player(3, former_team="T5")]

    for chunk_rows in (1, 2, 3):
        made = plan_payload({"player": players, "team": teams}, [TEAM, PLAYER], know_nothing, chunk_rows=chunk_rows)
        assert made.is_valid
        assert made.created["player"] == [
            (1, planned_player(1, team=RowRef("team", 5))),
            (2, planned_player(2, team=RowRef("team", 1), former_team=RowRef("team", 3))),
            (3, planned_player(3, former_team=RowRef("team", 5))),
        ]


@pytest.mark.parametrize("on_duplicate", ["error", "skip", "update"])
def test_the_plan_is_the_same_whether_or_not_a_chunk_is_written_before_the_next_is_planned(
    on_duplicate: OnDuplicate,
) -> None:
    payload: dict[str, list[Any]] = {
        "team": [{"name": "T1"}, {"name": "T2"}, {"name": "t1"}, {"name": "Reds"}],
        "player": [
            player(1, team="t1"),
            player(2, team="T2", nick="x"),
            player(3, team="reds", former_team="t2"),
            player(4, email="P1@acme.test"),
            player(5, nick="X"),
            player(6, email="old@acme.test", nick="x"),
            player(7, email="old2@acme.test", team="T2"),
            {"email": "P2@acme.test", "nick": "y", "team": "none"},
            {"email": "Old@acme.test", "nick": "z", "team": "none"},
        ],
    }
    teams, players = payload["team"], payload["player"]
    parts = [
        payload,
        {"team": [*teams[:2], teams[3]], "player": players[:3]},
        {"team": teams[1:], "player": players[1:]},
        {"player": [players[1], players[7]]},
        {"player": [players[5], players[8]]},
        {"player": players[3:7]},
    ]
    for part in parts:
        assert plan_and_write(part, on_duplicate, writes=True) == plan_and_write(part, on_duplicate, writes=False)


def plan_and_write(payload: dict[str, list[Any]], on_duplicate: OnDuplicate, *, writes: bool) -> object:
    """The errors, and the outcome of each row."""
    records = {
        ("team", "name"): {"reds": [1]},
        ("player", "email"): {"old@acme.test": [2], "old2@acme.test": [3]},
        ("player", "nick"): {"ace": [2]},
    }
    ids = count(100)

    def write(chunk: PlannedChunk) -> None:
        for (type_name, column), known in records.items():
            if type_name == chunk.importable.name:
                values = chunk.created.columns[chunk.importable.position(column)]
                known.update({value.lower(): [next(ids)] for value in values if value is not None})

    made = plan_payload(
        payload,
        [MATCHED_TEAM, MATCHED_PLAYER],
        lambda questions: answer(questions, records=records),
        on_duplicate=on_duplicate,
        chunk_rows=1,
        write=write if writes else None,
    )
    created = {name: [row for row, _ in rows] for name, rows in made.created.items()}
    given = {name: [(each.row, each.record_id) for each in rows] for name, rows in made.given.items()}
    return (created, given, made.skipped) if made.is_valid else made.errors
