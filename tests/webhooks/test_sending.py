"""Due deliveries are signed and sent at least once, in up to ten attempts over three days."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks.webhooks import WebhookVerificationError

from importsvc.webhooks.models import WebhookDelivery, WebhookEndpoint
from importsvc.webhooks.posting import Answer, Network
from importsvc.webhooks.sending import DELAYS, send_due
from importsvc.webhooks.services import redeliver, rotate_secret
from people.services import NewOrganization
from tests.builders import OTHER_SECRET, SECRET, make_delivery, make_endpoint, make_organization
from tests.webhooks.outcomes import NOW, SECOND, delivered, failed, outcome_of, pending, record, send, take
from tests.webhooks.receiver import Receiver, answer, hang, receive, send_body


def test_a_delivery_is_sent_signed_once(receiver: Receiver, delivery: WebhookDelivery) -> None:
    assert (send(), send(), send(after=timedelta(days=9))) == (1, 0, 0)

    (received,) = receiver.received
    assert received.verify(SECRET) == {
        "type": "import.processed",
        "timestamp": "2024-01-15T09:01:00.000+00:00",
        "data": {"import_id": "7"},
    }
    assert received.headers["webhook-id"] == "msg_1"
    assert (received.headers["Content-Type"], received.headers["User-Agent"]) == ("application/json", "importsvc")
    assert outcome_of(delivery) == delivered()


def test_another_secret_does_not_verify(receiver: Receiver, delivery: WebhookDelivery) -> None:
    send()

    with pytest.raises(WebhookVerificationError):
        receiver.received[0].verify(OTHER_SECRET)


def test_both_secrets_verify_for_a_day_after_a_rotation(receiver: Receiver, delivery: WebhookDelivery) -> None:
    endpoint = delivery.endpoint
    new = rotate_secret(organization=endpoint.organization, endpoint_id=endpoint.pk).secret
    send()
    WebhookEndpoint.objects.update(rotated_at=timezone.now() - timedelta(days=1))
    redeliver(organization=endpoint.organization, delivery_id=delivery.pk)
    send_due(limit=1)

    first, second = receiver.received
    assert first.verify(new) == first.verify(SECRET) == second.verify(new)
    with pytest.raises(WebhookVerificationError):
        second.verify(SECRET)


def test_a_receiver_that_is_down_for_a_while_gets_the_event_when_it_is_back(
    receiver: Receiver, acme: NewOrganization
) -> None:
    with receive() as down:
        pass
    endpoint = make_endpoint(organization=acme.organization, url=down.url)
    delivery = make_delivery(endpoint=endpoint, next_attempt_at=NOW)

    assert [send(), send(after=4 * SECOND), send(after=5 * SECOND), send(after=304 * SECOND)] == [1, 0, 1, 0]
    refused = "The connection failed: Connection refused"
    assert outcome_of(delivery) == pending(NOW + 305 * SECOND, attempts=2, status=None, error=refused)
    with receive(port=down.port) as back:
        assert send(after=305 * SECOND) == 1

    assert back.ids == ["msg_1"]
    assert outcome_of(delivery) == delivered(NOW + 305 * SECOND, attempts=3)


def test_500_and_then_200_is_delivered(receiver: Receiver, delivery: WebhookDelivery) -> None:
    receiver.first = [answer(500, b"Out of order"), answer(200)]

    send()
    error = "The response has the status 500: Out of order"
    assert outcome_of(delivery) == pending(NOW + 5 * SECOND, attempts=1, status=500, error=error)
    send(after=5 * SECOND)

    assert outcome_of(delivery) == delivered(NOW + 5 * SECOND, attempts=2, status=200)
    assert receiver.ids == ["msg_1", "msg_1"]


def test_there_are_ten_attempts_over_three_days(receiver: Receiver, delivery: WebhookDelivery) -> None:
    receiver.respond = answer(503)
    at = timedelta(0)
    for number, delay in enumerate(DELAYS):
        at += delay
        assert (send(after=at - SECOND), send(after=at)) == (0, 1), number

    assert at == timedelta(hours=75, minutes=35, seconds=5)
    assert outcome_of(delivery) == failed(attempts=10, status=503, error="The response has the status 503")
    assert send(after=timedelta(days=30)) == 0
    assert len(receiver.received) == 10


@pytest.mark.parametrize(
    ("retry_after", "delay"),
    [("60", 60), ("3", 5), ("86400", 86_400), ("99999999999999", 86_400), ("Mon, 15 Jan 2024 09:00:00 GMT", 5)],
)
def test_a_receiver_may_ask_for_a_longer_delay_of_at_most_a_day(
    receiver: Receiver, delivery: WebhookDelivery, retry_after: str, delay: int
) -> None:
    receiver.respond = answer(429, Retry_After=retry_after)

    send()

    assert outcome_of(delivery)["next_attempt_at"] == NOW + delay * SECOND


def test_410_disables_the_endpoint(receiver: Receiver, delivery: WebhookDelivery) -> None:
    make_delivery(endpoint=delivery.endpoint, event_id="msg_2", next_attempt_at=NOW + SECOND)
    receiver.respond = answer(410)

    assert send() == 1
    assert send(after=SECOND) == 0

    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "The receiver responded with 410 Gone")
    assert outcome_of(delivery) == failed(attempts=1, status=410, error="The response has the status 410")
    other = WebhookDelivery.objects.get(event_id="msg_2")
    assert outcome_of(other) == failed(attempts=0, status=None, error="The endpoint is disabled")
    assert receiver.ids == ["msg_1"]


def test_410_of_a_former_url_does_not_disable_the_endpoint(receiver: Receiver, delivery: WebhookDelivery) -> None:
    attempt = take()
    WebhookEndpoint.objects.update(url="https://example.com/new")

    record(attempt, Answer(410, "Gone"))

    assert WebhookEndpoint.objects.get().enabled
    assert outcome_of(delivery)["status"] == "failed"


def test_a_redirect_is_a_failed_attempt_and_is_not_followed(receiver: Receiver, delivery: WebhookDelivery) -> None:
    with receive() as other:
        receiver.respond = answer(302, Location=other.url)
        send()

    assert other.received == []
    error = "The response has the status 302, a redirect, which is not followed"
    assert outcome_of(delivery) == pending(NOW + 5 * SECOND, attempts=1, status=302, error=error)


def test_a_large_response_is_not_stored(receiver: Receiver, delivery: WebhookDelivery) -> None:
    receiver.respond = send_body(500, 10 * 2**20)

    send()

    error = f"The response has the status 500: {'x' * 100}…"
    assert outcome_of(delivery) == pending(NOW + 5 * SECOND, attempts=1, status=500, error=error)


def test_a_url_that_leads_to_this_machine_is_not_sent_to(
    receiver: Receiver, delivery: WebhookDelivery, settings: Settings
) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = False
    WebhookEndpoint.objects.update(url=receiver.url.replace("http:", "https:"))

    send()

    error = "The URL must not have a private address"
    assert outcome_of(delivery) == pending(NOW + 5 * SECOND, attempts=1, status=None, error=error)
    assert receiver.received == []


def test_an_endpoint_that_hangs_does_not_delay_others(acme: NewOrganization, receiver: Receiver) -> None:
    globex = make_organization()
    network = Network(allow_private=True, timeout=1)
    with receive(hang) as hanging:
        slow = make_endpoint(organization=acme.organization, url=hanging.url)
        for number in range(20):
            make_delivery(endpoint=slow, event_id=f"slow_{number}", next_attempt_at=NOW)
        quick = make_endpoint(organization=globex.organization, url=receiver.url)
        for number in range(20):
            make_delivery(endpoint=quick, event_id=f"quick_{number}", next_attempt_at=NOW)

        send_due(limit=100, now=NOW, network=network, should_stop=lambda: len(receiver.received) == 20)

    assert receiver.ids == [f"quick_{number}" for number in range(20)]
    # As many as ran out of time meanwhile, one after the other.
    assert hanging.ids == [f"slow_{number}" for number in range(len(hanging.ids))]
    assert len(hanging.ids) < 10


def test_many_endpoints_that_hang_do_not_keep_others_waiting(
    acme: NewOrganization, globex: NewOrganization, receiver: Receiver
) -> None:
    with receive(hang) as hanging:
        for number in range(20):
            slow = make_endpoint(organization=acme.organization, url=hanging.url, failing_since=NOW)
            for again in range(2):
                make_delivery(endpoint=slow, event_id=f"slow_{number}_{again}", next_attempt_at=NOW - SECOND)
        for number in range(4):
            quick = make_endpoint(organization=globex.organization, url=receiver.url)
            for again in range(5):
                make_delivery(endpoint=quick, event_id=f"quick_{number}_{again}", next_attempt_at=NOW)

        network = Network(allow_private=True, timeout=1)
        send_due(limit=100, now=NOW, network=network, should_stop=lambda: len(receiver.received) == 20)

    assert len(receiver.received) == 20
    # Four at a time, and as many again for each second.
    assert len(hanging.received) < 20


def test_an_endpoint_fails_from_its_first_failure_to_its_next_success(
    receiver: Receiver, delivery: WebhookDelivery
) -> None:
    receiver.first = [answer(500), answer(500), answer(200)]
    found = []
    for after in (0, 5, 305):
        send(after=after * SECOND)
        found.append(WebhookEndpoint.objects.get().failing_since)

    assert found == [NOW, NOW, None]


def test_no_more_attempts_are_made_than_the_limit(receiver: Receiver, endpoint: WebhookEndpoint) -> None:
    for number in range(5):
        make_delivery(endpoint=endpoint, event_id=f"msg_{number}", next_attempt_at=NOW)

    assert [send(limit=limit) for limit in (0, 2, 2, 2)] == [0, 2, 2, 1]
    assert receiver.ids == [f"msg_{number}" for number in range(5)]


def test_a_call_ends_when_it_is_told_to(receiver: Receiver, endpoint: WebhookEndpoint) -> None:
    for number in range(5):
        make_delivery(endpoint=endpoint, event_id=f"msg_{number}", next_attempt_at=NOW)

    assert send_due(limit=100, now=NOW, should_stop=lambda: len(receiver.received) >= 2) == 2
    assert send() == 3


def test_an_organization_without_the_feature_is_sent_nothing(receiver: Receiver, delivery: WebhookDelivery) -> None:
    organization = delivery.endpoint.organization
    organization.features = {"webhooks": {"available": False}}
    organization.save()

    assert send() == 0
    error = "The feature 'webhooks' is not available to the organization"
    assert outcome_of(delivery) == failed(attempts=0, status=None, error=error)


def test_a_delivery_that_cannot_be_sent_at_all_does_not_stop_the_others(
    receiver: Receiver, delivery: WebhookDelivery, acme: NewOrganization, caplog: pytest.LogCaptureFixture
) -> None:
    broken = make_endpoint(organization=acme.organization, url=receiver.url)
    make_delivery(endpoint=broken, event_id="msg\n2", next_attempt_at=NOW)

    assert send() == 2

    assert receiver.ids == ["msg_1"]
    assert WebhookDelivery.objects.get(endpoint=broken).last_error == "The service failed to send the request"
    assert "Invalid header value" in caplog.text


def test_it_cannot_be_called_in_a_transaction(receiver: Receiver, delivery: WebhookDelivery) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        send()

    assert receiver.received == []
