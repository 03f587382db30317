"""Events are recorded in the transaction of their work, for the endpoints that subscribe to them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from importsvc.imports.errors import RevertConflict, RowsInvalid
from importsvc.webhooks.events import Event, describe_import
from importsvc.webhooks.models import WebhookDelivery
from importsvc.webhooks.services import (
    record_event,
)
from people.models import Person
from people.services import NewOrganization
from tests.builders import PUBLISHED_ROWS, make_endpoint, make_person
from tests.imports.steps import counts, import_rows, revert, run, stage

pytestmark = pytest.mark.django_db

DATA = describe_import(7)


def record(caller: NewOrganization, event: Event = Event.IMPORT_FAILED) -> None:
    record_event(organization_id=caller.organization.pk, event=event, data=DATA)


def take_away_the_feature(caller: NewOrganization) -> None:
    caller.organization.features = {"webhooks": {"available": False}}
    caller.organization.save()


def test_an_event_is_a_delivery_for_each_enabled_endpoint_that_subscribes_to_it(
    acme: NewOrganization, globex: NewOrganization
) -> None:
    first, second = (make_endpoint(organization=acme.organization) for _ in range(2))
    make_endpoint(organization=acme.organization, events=[Event.IMPORT_PROCESSED, Event.IMPORT_REVERTED])
    make_endpoint(organization=acme.organization, enabled=False)
    make_endpoint(organization=globex.organization)
    before = timezone.now()

    record(acme)

    deliveries = list(WebhookDelivery.objects.order_by("id"))
    assert [each.endpoint_id for each in deliveries] == [first.pk, second.pk]
    assert len({each.event_id for each in deliveries}) == 1
    for each in deliveries:
        assert re.fullmatch(r"msg_[0-9a-f]{32}", each.event_id)
        assert (each.organization_id, each.event, each.status) == (acme.organization.pk, "import.failed", "pending")
        assert (each.attempts, each.last_status, each.last_error, each.delivered_at) == (0, None, None, None)
        assert each.next_attempt_at == each.created_at
        assert before - timedelta(seconds=1) < each.created_at < timezone.now() + timedelta(seconds=1)
        at = parse_datetime(each.payload["timestamp"])
        assert at
        assert abs(at - each.created_at) < timedelta(seconds=1)
        assert each.payload == {
            "type": "import.failed",
            "timestamp": each.payload["timestamp"],
            "data": {
                "organization_id": str(acme.organization.pk),
                "import_id": "7",
                "counts": None,
                "link": "/api/v2/imports/7",
            },
        }


def test_two_events_have_different_ids(acme: NewOrganization) -> None:
    make_endpoint(organization=acme.organization)

    record(acme)
    record(acme)

    assert len(set(WebhookDelivery.objects.values_list("event_id", flat=True))) == 2


@pytest.mark.parametrize("endpoints", [0, 3])
def test_recording_an_event_takes_one_statement(acme: NewOrganization, endpoints: int) -> None:
    for _ in range(endpoints):
        make_endpoint(organization=acme.organization)

    with CaptureQueriesContext(connection) as queries:
        record(acme)

    assert len(queries) == 1
    assert WebhookDelivery.objects.count() == endpoints


def test_without_the_feature_no_event_is_recorded(acme: NewOrganization) -> None:
    make_endpoint(organization=acme.organization)
    take_away_the_feature(acme)

    record(acme)

    assert not WebhookDelivery.objects.exists()


def events() -> list[tuple[str, Any]]:
    """The recorded events with their data, without the organization."""
    payloads = WebhookDelivery.objects.order_by("id").values_list("payload", flat=True)
    return [(each["type"], {k: v for k, v in each["data"].items() if k != "organization_id"}) for each in payloads]


def test_an_import_and_its_revert_are_events_with_counts_and_a_link(acme: NewOrganization) -> None:
    make_endpoint(organization=acme.organization)

    import_ = import_rows(acme, PUBLISHED_ROWS)
    reverted = {"removed": 1, "restored": 0, "kept": 0, "gone": 0}
    revert(import_)

    about = {"import_id": str(import_.pk), "link": f"/api/v2/imports/{import_.pk}"}
    assert events() == [
        ("import.processed", {**about, "counts": {"company": counts(created=1), "person": counts(created=1)}}),
        ("import.reverted", {**about, "counts": {"company": reverted, "person": reverted}}),
    ]


def test_events_have_no_personal_data(acme: NewOrganization) -> None:
    make_endpoint(organization=acme.organization)

    revert(import_rows(acme, PUBLISHED_ROWS))

    written = str(events())
    for value in ("John", "Doe", "john@mail.com", "Ada", "ada@acme.test", "Import'"):
        assert value not in written


def test_an_import_that_is_rolled_back_is_no_event(acme: NewOrganization) -> None:
    make_endpoint(organization=acme.organization)
    import_ = stage(acme, PUBLISHED_ROWS)
    make_person(organization=acme.organization, email="john@mail.com")

    with pytest.raises(RowsInvalid):
        run(import_)
    with transaction.atomic():
        import_rows(acme, {"company": [{"name": "Blues"}]})
        assert len(events()) == 1
        transaction.set_rollback(True)

    assert events() == []


def test_a_revert_that_is_refused_is_no_event(acme: NewOrganization) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    make_endpoint(organization=acme.organization)
    Person.objects.filter(email="john@mail.com").update(title="Boss")

    with pytest.raises(RevertConflict):
        revert(import_)

    assert events() == []
