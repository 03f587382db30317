"""``prune`` deletes finished deliveries after ``WEBHOOK_DELIVERY_DAYS``, and no pending ones."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from importsvc.webhooks import services
from importsvc.webhooks.models import WebhookDelivery, WebhookEndpoint
from importsvc.webhooks.services import prune_deliveries
from people.services import NewOrganization
from tests.builders import make_delivery, make_endpoint
from tests.interleaving import threads


def store(endpoint: WebhookEndpoint, event_id: str, *, status: str = "failed", days: float = 0) -> None:
    """A delivery that is so many days old."""
    at = timezone.now() - timedelta(days=days)
    make_delivery(
        endpoint=endpoint,
        event_id=event_id,
        status=status,
        created_at=at,
        next_attempt_at=at if status == "pending" else None,
        delivered_at=at if status == "delivered" else None,
    )


def prune(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The line of the command's output about deliveries."""
    call_command("prune", *arguments)
    (line,) = [each for each in capsys.readouterr().out.splitlines() if "webhook" in each]
    return line


def stored() -> list[str]:
    return sorted(WebhookDelivery.objects.values_list("event_id", flat=True))


def test_old_finished_deliveries_of_every_organization_are_deleted(
    acme: NewOrganization, globex: NewOrganization, capsys: pytest.CaptureFixture[str]
) -> None:
    for caller in (acme, globex):
        endpoint = make_endpoint(organization=caller.organization)
        store(endpoint, "new")
        store(endpoint, "nearly", days=29.99)
        store(endpoint, "failed", days=30)
        store(endpoint, "delivered", status="delivered", days=400)
        store(endpoint, "pending", status="pending", days=400)

    assert prune(capsys, "--dry-run") == "Would remove 4 webhook deliveries older than 30 days"
    assert WebhookDelivery.objects.count() == 10
    assert prune(capsys) == "Removed 4 webhook deliveries older than 30 days"
    assert stored() == ["nearly", "nearly", "new", "new", "pending", "pending"]
    assert prune(capsys) == "Removed 0 webhook deliveries older than 30 days"


def test_the_age_is_a_setting(acme: NewOrganization, capsys: pytest.CaptureFixture[str], settings: Settings) -> None:
    settings.WEBHOOK_DELIVERY_DAYS = 1
    store(make_endpoint(organization=acme.organization), "over", days=1)

    assert prune(capsys) == "Removed 1 webhook delivery older than 1 day"


@pytest.mark.parametrize(("count", "statements"), [(0, 0), (2, 1), (3, 1), (4, 2), (7, 3)])
def test_no_statement_deletes_more_than_the_limit(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch, count: int, statements: int
) -> None:
    monkeypatch.setattr(services, "PRUNED_AT_ONCE", 3)
    endpoint = make_endpoint(organization=acme.organization)
    for number in range(count):
        store(endpoint, str(number), days=100 - number)
    store(endpoint, "new")

    with CaptureQueriesContext(connection) as queries:
        assert prune_deliveries() == count

    assert len([query for query in queries if query["sql"].startswith("DELETE")]) == statements
    assert stored() == ["new"]


@pytest.mark.django_db(transaction=True)
def test_a_delivery_that_another_transaction_writes_is_skipped_without_waiting(acme: NewOrganization) -> None:
    endpoint = make_endpoint(organization=acme.organization)
    store(endpoint, "again", days=50)
    store(endpoint, "over", days=50)

    with threads() as background, transaction.atomic():
        WebhookDelivery.objects.filter(event_id="again").update(last_error="x")
        assert background.start(prune_deliveries).result() == 1

    assert stored() == ["again"]
