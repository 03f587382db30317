"""Several workers send each delivery, and one that is killed loses none."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from importsvc.imports.services import importing, run_import
from importsvc.webhooks.models import WebhookDelivery, WebhookEndpoint
from importsvc.webhooks.sending import LEASE, send_due
from importsvc.webhooks.services import delete_endpoint
from people.services import NewOrganization
from tests.builders import PUBLISHED_ROWS, make_delivery, make_endpoint, make_organization
from tests.command_line import start
from tests.imports.steps import stage
from tests.interleaving import Gate, threads
from tests.webhooks.receiver import Receiver, hang, receive, take

pytestmark = pytest.mark.django_db(transaction=True)

SEND = "from importsvc.webhooks.sending import send_due; send_due(limit=10)"


def test_four_workers_send_each_delivery_once(receiver: Receiver) -> None:
    receiver.respond = take(0.01)
    for number in range(4):
        caller = make_organization(name=f"Globex{number}")
        for _ in range(2):
            endpoint = make_endpoint(organization=caller.organization, url=receiver.url)
            for each in range(10):
                make_delivery(endpoint=endpoint, event_id=f"msg_{endpoint.pk}_{each}")

    with threads() as workers:
        done = [workers.start(lambda: send_due(limit=100)) for _ in range(4)]

    counts = [each.result() for each in done]
    assert sum(counts) == 80
    assert Counter(receiver.ids) == Counter(WebhookDelivery.objects.values_list("event_id", flat=True))
    assert set(WebhookDelivery.objects.values_list("status", "attempts")) == {("delivered", 1)}


def test_what_a_killed_worker_was_sending_is_sent_by_the_next_one(
    acme: NewOrganization, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOW_PRIVATE_WEBHOOKS", "true")
    with receive(hang) as hanging:
        endpoint = make_endpoint(organization=acme.organization, url=hanging.url)
        delivery = make_delivery(endpoint=endpoint)
        worker = start("shell", "--no-imports", "-c", SEND)
        deadline = time.monotonic() + 30
        while not hanging.received:
            assert time.monotonic() < deadline
            assert worker.poll() is None, worker.communicate()
            time.sleep(0.05)
        worker.kill()
        worker.communicate()
    WebhookEndpoint.objects.update(url=receiver.url)

    assert send_due(limit=10) == 0
    assert send_due(limit=10, now=timezone.now() + LEASE) == 1

    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("delivered", 2)
    assert (hanging.ids, receiver.ids) == (["msg_1"], ["msg_1"])


def test_an_event_is_sent_after_its_transaction_only(
    acme: NewOrganization, endpoint: WebhookEndpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = stage(acme, PUBLISHED_ROWS)
    gate = Gate(monkeypatch, importing, "record_event", after=True)

    with threads() as background:
        running = background.start(lambda: run_import(organization=acme.organization, import_id=import_.pk))
        gate.wait()
        assert send_due(limit=10, now=timezone.now() + timedelta(minutes=1)) == 0
        gate.open()

    assert running.result().processed_at is not None
    assert send_due(limit=10) == 1
    assert len(receiver.received) == 1


def test_an_endpoint_that_is_deleted_meanwhile_neither_fails_an_import_nor_gets_its_event(
    acme: NewOrganization, endpoint: WebhookEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = stage(acme, PUBLISHED_ROWS)
    gate = Gate(monkeypatch, importing, "record_event", after=True)

    with threads() as background:
        running = background.start(lambda: run_import(organization=acme.organization, import_id=import_.pk))
        gate.wait()
        deleting = background.start_blocked(
            lambda: delete_endpoint(organization=acme.organization, endpoint_id=endpoint.pk)
        )
        gate.open()

    assert running.result().processed_at is not None
    assert deleting.result() is None
    assert not WebhookEndpoint.objects.exists()
    assert not WebhookDelivery.objects.exists()
