"""Rows in the order in which they can be written, some at a time, and made ahead of those who use them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importsvc.engine.parse import batches
from importsvc.engine.parse.batches import BATCHES_AHEAD, Turns, make_batches, read_ahead
from importsvc.engine.parse.rows import clean_rows
from tests.engine.example import PLAYER, TEAM

TYPES = {"team": TEAM, "player": PLAYER}
PATIENCE_SECONDS = 20


def teams(*numbers: int) -> list[Any]:
    return [{"name": f"T{number}"} for number in numbers]


def players(*numbers: int) -> list[Any]:
    return [{"first_name": f"P{number}", "email": f"p{number}@acme.test"} for number in numbers]


def describe(
    pieces: Iterable[tuple[str, Sequence[Any]]], *, expected: Iterable[str] = ("team", "player")
) -> list[tuple[str, list[str]]]:
    """Of each batch the type and, of each row, what is in its first column; rows are numbered as they came."""
    described = []
    for batch in make_batches(iter(pieces), TYPES, expected=set(expected)):
        first = batch.pieces[0].first if batch.pieces else batch.last + 1
        assert batch.last == first + len(batch) - 1
        described.append((f"{batch.importable.name} {first}", [row[0] for row in batch.values]))
    return described


def test_those_that_are_referred_to_come_first_whatever_came_first() -> None:
    pieces = [("player", players(1)), ("player", players(2)), ("team", teams(1))]

    assert describe(pieces) == [("team 1", ["T1"]), ("player 1", ["P1", "P2"])]


def test_rows_do_not_wait_for_what_will_not_come() -> None:
    assert describe([("player", players(1)), ("player", [])], expected=["player"]) == [("player 1", ["P1"])]


def test_rows_wait_even_if_what_they_wait_for_never_comes() -> None:
    assert describe([("player", players(1)), ("player", players(2))]) == [("player 1", ["P1", "P2"])]


def test_rows_that_came_in_order_do_not_wait() -> None:
    taken = []

    def give() -> Iterator[tuple[str, list[Any]]]:
        for piece in [("team", teams(1)), ("player", players(1)), ("player", players(2))]:
            taken.append(piece[0])
            yield piece

    batch = next(make_batches(give(), TYPES, expected={"team", "player"}))

    assert (batch.importable, taken) == (TEAM, ["team", "player"])


def test_a_type_that_nobody_expected_comes_where_it_is() -> None:
    pieces = [("player", players(1)), ("team", teams(1))]

    assert describe(pieces, expected=["player"]) == [("player 1", ["P1"]), ("team 1", ["T1"])]


@pytest.mark.parametrize(
    ("size", "described"),
    [
        (1, [("team 1", ["T1", "T2"]), ("team 3", ["T3"]), ("team 4", ["T4"]), ("player 1", ["P1"])]),
        (3, [("team 1", ["T1", "T2", "T3"]), ("team 4", ["T4"]), ("player 1", ["P1"])]),
        (4, [("team 1", ["T1", "T2", "T3", "T4"]), ("player 1", ["P1"])]),
    ],
)
def test_a_batch_ends_with_the_piece_that_fills_it_and_rows_are_numbered_on(
    monkeypatch: pytest.MonkeyPatch, size: int, described: list[tuple[str, list[str]]]
) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", size)
    pieces = [("team", teams(1, 2)), ("team", teams(3)), ("team", teams(4)), ("player", players(1))]

    assert describe(pieces) == described


def test_errors_name_the_row_of_the_whole_and_not_of_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 1)
    made = make_batches(iter([("team", teams(1)), ("team", [{"Name": ""}]), ("team", [7])]), TYPES, expected={"team"})

    assert [error for batch in made for error in batch.errors] == [
        (2, "name", "Name can't be blank"),
        (3, None, "Row must be an object"),
    ]


def test_a_type_without_rows_is_a_batch_without_rows() -> None:
    assert describe([("team", []), ("player", players(1))]) == [("team 1", []), ("player 1", ["P1"])]


@given(
    st.lists(st.integers(0, 4), max_size=5), st.lists(st.integers(0, 4), max_size=5), st.booleans(), st.integers(1, 6)
)
@settings(deadline=None, max_examples=100)
def test_no_row_is_lost_or_moved(team_sizes: list[int], player_sizes: list[int], swapped: bool, size: int) -> None:
    team_pieces = [("team", teams(*range(count))) for count in team_sizes]
    player_pieces = [("player", players(*range(count))) for count in player_sizes]
    pieces = player_pieces + team_pieces if swapped else team_pieces + player_pieces
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "BATCH_ROWS", size)
        made = list(make_batches(iter(pieces), TYPES, expected={name for name, _ in pieces}))

    order = [batch.importable.name for batch in made]
    assert order == sorted(order, reverse=True)  # teams, then players
    for importable, own in ((TEAM, team_pieces), (PLAYER, player_pieces)):
        together = clean_rows(importable, [row for _, rows in own for row in rows])
        of_type = [batch for batch in made if batch.importable is importable]
        assert [row for batch in of_type for row in batch.values] == together.values
        assert [piece.first for batch in of_type for piece in batch.pieces] == [
            1 + sum(sizes) for sizes in _beginnings([len(rows) for _, rows in own])
        ]


def _beginnings(sizes: list[int]) -> list[list[int]]:
    return [sizes[:index] for index, size in enumerate(sizes) if size]


class Items:
    """Numbers, of which is known how many were made and in which threads; perhaps with a failure at the end."""

    def __init__(self, count: int, failure: Exception | None = None) -> None:
        self.made = 0
        self.threads: set[int] = set()
        self.items = self._make(count, failure)

    def _make(self, count: int, failure: Exception | None) -> Iterator[int]:
        for number in range(count):
            self.threads.add(threading.get_ident())
            self.made += 1
            yield number
        if failure:
            raise failure


@pytest.mark.parametrize("count", [0, 1, 2, 3, 10])
@pytest.mark.parametrize("ahead", [1, 2, 5])
def test_items_come_in_order_from_one_other_thread(count: int, ahead: int) -> None:
    source = Items(count)

    with read_ahead(source.items, count=ahead) as items:
        assert list(items) == list(range(count))

    assert len(source.threads) == min(count, 1)
    assert threading.get_ident() not in source.threads


@pytest.mark.parametrize("count", [0, 1, 5])
def test_what_making_an_item_raises_is_raised_where_the_item_would_come(count: int) -> None:
    failure = ValueError("no")

    with read_ahead(Items(count, failure).items) as items:
        assert [next(items) for _ in range(count)] == list(range(count))
        with pytest.raises(ValueError, match=r"^no$") as caught:
            next(items)

    assert caught.value is failure


def test_no_more_are_made_ahead_than_asked_for() -> None:
    source = Items(100)

    with read_ahead(source.items) as items:
        for item in range(10):
            assert next(items) == item
            assert source.made <= item + 1 + BATCHES_AHEAD
    assert source.made <= 10 + BATCHES_AHEAD


def test_items_are_made_while_those_before_are_used() -> None:
    made = threading.Event()

    def make() -> Iterator[int]:
        yield 1
        made.set()
        yield 2

    with read_ahead(make()) as items:
        assert next(items) == 1
        assert made.wait(PATIENCE_SECONDS)
        assert next(items) == 2


def test_who_leaves_early_is_not_kept_by_what_is_not_needed_any_more() -> None:
    source = Items(100)

    def fail_at(item: int) -> None:
        with read_ahead(source.items) as items:
            assert next(items) == item
            raise KeyError

    with pytest.raises(KeyError):
        fail_at(0)

    assert source.made <= 1 + BATCHES_AHEAD
    assert not [thread for thread in threading.enumerate() if thread.ident in source.threads]


def test_pieces_come_in_their_order_while_nobody_works() -> None:
    assert list(Turns().take(range(5))) == [0, 1, 2, 3, 4]


def test_no_piece_is_begun_while_somebody_works() -> None:
    turns = Turns()
    taken: list[int] = []

    def take() -> None:
        taken.extend(turns.take([1, 2]))

    with turns.work():
        reader = threading.Thread(target=take)
        reader.start()
        reader.join(0.05)
        assert (taken, reader.is_alive()) == ([], True)
    reader.join(PATIENCE_SECONDS)

    assert taken == [1, 2]


def test_who_reads_goes_on_after_work_that_failed() -> None:
    turns = Turns()

    with pytest.raises(KeyError), turns.work():
        raise KeyError

    assert list(turns.take([1])) == [1]


def test_nothing_more_is_taken_once_all_is_over() -> None:
    turns = Turns()
    pieces = turns.take(range(5))

    assert next(pieces) == 0
    turns.end()

    assert list(pieces) == []
