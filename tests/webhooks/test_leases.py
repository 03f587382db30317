"""A worker that dies, or a clock that jumps, loses no delivery."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from importsvc.webhooks.models import WebhookDelivery, WebhookEndpoint
from importsvc.webhooks.posting import Answer
from importsvc.webhooks.sending import LEASE, send_due
from tests.builders import make_delivery
from tests.webhooks.outcomes import NOW, SECOND, delivered, failed, outcome_of, record, send, take
from tests.webhooks.receiver import Receiver, answer


def test_the_clock_is_that_of_the_database(receiver: Receiver, endpoint: WebhookEndpoint) -> None:
    now = timezone.now()
    make_delivery(endpoint=endpoint, event_id="past", next_attempt_at=now - timedelta(minutes=1))
    make_delivery(endpoint=endpoint, event_id="future", next_attempt_at=now + timedelta(minutes=1))

    assert send_due(limit=10) == 1
    assert receiver.ids == ["past"]


def test_a_clock_that_is_set_forward_and_back_loses_nothing(receiver: Receiver, delivery: WebhookDelivery) -> None:
    receiver.first = [answer(500)]

    assert send(after=timedelta(days=365)) == 1
    assert send() == 1

    assert outcome_of(delivery) == delivered(attempts=2)


def test_a_clock_that_is_set_back_by_hours_delays_an_attempt_by_as_much(
    receiver: Receiver, delivery: WebhookDelivery
) -> None:
    receiver.first = [answer(500)]
    send(after=timedelta(hours=20))

    assert [send(after=timedelta(hours=hours)) for hours in (0, 10, 20)] == [0, 0, 0]
    assert send(after=timedelta(hours=20, seconds=5)) == 1
    assert outcome_of(delivery)["status"] == "delivered"


def test_the_delivery_of_a_worker_that_died_is_sent_by_another_one_after_the_lease(
    receiver: Receiver, delivery: WebhookDelivery
) -> None:
    take()

    assert (send(), send(after=LEASE - SECOND), send(after=LEASE)) == (0, 0, 1)
    assert outcome_of(delivery) == delivered(NOW + LEASE, attempts=2)


def test_a_worker_that_dies_in_the_last_attempt_leaves_a_failed_delivery(delivery: WebhookDelivery) -> None:
    WebhookDelivery.objects.update(attempts=9)
    take()

    assert send(after=LEASE) == 0
    error = "The worker ended during the last attempt"
    assert outcome_of(delivery) == failed(attempts=10, status=None, error=error)


def test_an_attempt_that_outlived_its_lease_plans_nothing_and_may_still_succeed(
    receiver: Receiver, delivery: WebhookDelivery
) -> None:
    late = take()
    take(after=LEASE)
    before = outcome_of(delivery)

    record(late, Answer(500, "Late"))
    assert outcome_of(delivery) == before
    record(late, Answer(200, None))
    assert outcome_of(delivery) == delivered(attempts=2, status=200)


def test_a_failure_after_a_success_of_another_worker_changes_nothing(delivery: WebhookDelivery) -> None:
    first = take()
    second = take(after=LEASE)
    record(first, Answer(200, None))

    record(second, Answer(500, "Late"))

    assert outcome_of(delivery) == delivered(attempts=2, status=200)
