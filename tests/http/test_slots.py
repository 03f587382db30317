"""Requests get a slot at once, after a short wait, or never; one owner never has all of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from importsvc.errors import Unavailable
from importsvc.http.slots import LONGEST_WAIT_SECONDS, STUCK_AFTER_SECONDS, Slots

BUSY = "^The service is busy with other imports, reverts and large requests$"


@pytest.fixture
def held() -> Iterator[ExitStack]:
    """Slots that are held until the end of the test."""
    with ExitStack() as stack:
        yield stack


def fill(slots: Slots, held: ExitStack, owners: str, *, is_long: bool) -> str:
    """One request of each owner in turn, by letter; the owners that get a slot at once, or after the wait."""
    served = ""
    for owner in owners:
        try:
            held.enter_context(slots.take(owner, is_long=is_long))
        except Unavailable:
            continue
        served += owner
    return served


@pytest.mark.parametrize(
    ("threads", "owners", "served"),
    [
        (1, "aaaabbbb", "aaaabbbb"),  # no limits
        (2, "ab", "a"),
        (3, "ab", "a"),
        (4, "aaabbcc", "ab"),
        (5, "aaabbcc", "ab"),
        (6, "aaabbbcc", "aab"),
        (8, "aaabbbccc", "aabb"),
        (8, "aaabcd", "aabc"),
    ],
)
def test_long_requests_have_half_of_the_threads_and_one_owner_half_of_these(
    held: ExitStack, threads: int, owners: str, served: str
) -> None:
    assert fill(Slots(threads), held, owners, is_long=True) == served


@pytest.mark.parametrize(
    ("threads", "owners", "served"),
    [
        (1, "aaaabbbb", "aaaabbbb"),
        (2, "ab", "a"),
        (3, "aab", "ab"),
        (4, "aaabbc", "aab"),
        (8, "aaaaabbbbb", "aaaabbb"),
    ],
)
def test_all_requests_with_slots_leave_one_thread_and_one_owner_has_half(
    held: ExitStack, threads: int, owners: str, served: str
) -> None:
    assert fill(Slots(threads), held, owners, is_long=False) == served


def test_a_short_request_finds_a_slot_beside_long_ones(held: ExitStack) -> None:
    slots = Slots(4)

    assert fill(slots, held, "ab", is_long=True) == "ab"
    assert fill(slots, held, "c", is_long=False) == "c"


def test_a_slot_is_free_after_the_request_and_after_an_error(held: ExitStack) -> None:
    slots = Slots(2)

    with slots.take("a", is_long=True), pytest.raises(Unavailable, match=BUSY), slots.take("b", is_long=True):
        pass
    with pytest.raises(RuntimeError), slots.take("a", is_long=True):
        raise RuntimeError
    assert fill(slots, held, "b", is_long=True) == "b"


def test_a_long_request_does_not_wait(held: ExitStack) -> None:
    slots = Slots(2)
    held.enter_context(slots.take("a", is_long=False))

    began = time.monotonic()
    assert fill(slots, held, "b", is_long=True) == ""
    assert time.monotonic() - began < STUCK_AFTER_SECONDS / 2


def test_short_requests_queue_while_slots_change_hands() -> None:
    slots = Slots(4)

    def work(_: int) -> None:
        with slots.take("a", is_long=False):
            time.sleep(0.01)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(30))) == [None] * 30


def test_a_short_request_waits_for_a_young_one_but_not_once_that_is_stuck(held: ExitStack) -> None:
    slots = Slots(2)
    held.enter_context(slots.take("a", is_long=False))

    waits = []
    for _ in range(2):
        began = time.monotonic()
        assert fill(slots, held, "b", is_long=False) == ""
        waits.append(time.monotonic() - began)

    assert STUCK_AFTER_SECONDS / 2 < waits[0] < LONGEST_WAIT_SECONDS
    assert waits[1] < STUCK_AFTER_SECONDS / 2
