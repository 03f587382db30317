"""Workers are killed at random: nothing is lost, done twice or half-done. ``benchmarks/killing.py`` kills more."""

from __future__ import annotations

import pytest
from django.conf import settings

from benchmarks.killing import Outcome, Sizes, make_celery, make_work, run
from tests.command_line import get_environment

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # Of what is lost or done twice on a cluster benchmarks/cluster/node_loss.py counts the records.
    pytest.mark.one_server("the witness is a trigger, and triggers are refused on distributed tables"),
]

SIZES = Sizes(organizations=2, imports=5, reverts=3, people=1_500, kills=5, workers=2, longest_seconds=120)


def assert_done_exactly_once(outcome: Outcome) -> None:
    assert outcome.operations == SIZES.organizations * (SIZES.imports + SIZES.reverts)
    assert 0 < outcome.kills <= SIZES.kills  # fewer if all operations are done before
    assert (outcome.lost, outcome.twice, outcome.half_done, outcome.failed) == (0, 0, 0, [])
    assert outcome.succeeded == outcome.operations
    assert outcome.attempts >= outcome.operations


def test_workers_that_are_killed_lose_and_repeat_nothing() -> None:
    assert_done_exactly_once(run(make_work(SIZES.workers, get_environment()), SIZES, seed=1))


@pytest.mark.usefixtures("celery_settings")
def test_workers_of_celery_that_are_killed_lose_and_repeat_nothing() -> None:
    environment = get_environment()
    environment |= {"CELERY_BROKER_URL": settings.CELERY_BROKER_URL, "CELERY_QUEUE": settings.CELERY_QUEUE}

    assert_done_exactly_once(run(make_celery(SIZES.workers, environment), SIZES, seed=1))
