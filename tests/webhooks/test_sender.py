"""A worker process sends webhooks beside its operations."""

from __future__ import annotations

import pytest

from importsvc.operations.models import Kind, Status
from people.services import NewOrganization
from tests.builders import make_delivery, make_endpoint
from tests.operations.queueing import create, queue
from tests.operations.workers import PEOPLE, holding, wait_for_status, wait_until, wait_until_blocked, work
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def allow_private(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the worker, whose settings are those of its environment."""
    monkeypatch.setenv("ALLOW_PRIVATE_WEBHOOKS", "true")


def test_the_event_of_an_operation_is_sent_with_a_signature(acme: NewOrganization, receiver: Receiver) -> None:
    endpoint = make_endpoint(organization=acme.organization, url=receiver.url)
    import_ = create(acme)
    with work() as worker:
        operation = queue(acme, Kind.IMPORT, import_)
        wait_for_status(operation, Status.SUCCEEDED)
        wait_until(lambda: receiver.received)
        assert worker.stop() == 0

    event = receiver.received[0].verify(endpoint.secret)
    assert event["type"] == "import.processed"
    assert event["data"]["link"] == f"/api/v2/imports/{import_.pk}"
    assert len(receiver.received) == 1


def test_webhooks_are_sent_while_an_operation_runs(acme: NewOrganization, receiver: Receiver) -> None:
    endpoint = make_endpoint(organization=acme.organization, url=receiver.url)
    operation = queue(acme, Kind.IMPORT, create(acme))
    with holding(PEOPLE), work():
        wait_until_blocked()
        make_delivery(endpoint=endpoint)
        wait_until(lambda: receiver.received)
        operation.refresh_from_db()
        assert operation.status == Status.QUEUED
