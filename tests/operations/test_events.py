"""The end of an operation is an event for webhooks, recorded in the transaction of the end."""

from __future__ import annotations

from typing import Any

import pytest

from importsvc.imports.services import Previewed, request_preview
from importsvc.operations.models import Kind, Operation, Status
from importsvc.operations.services import cancel_operation
from importsvc.operations.work import run_next
from importsvc.webhooks.events import Event
from importsvc.webhooks.models import WebhookDelivery
from importsvc.webhooks.services import create_endpoint
from people.services import NewOrganization
from tests.operations.queueing import ROWS, create, queue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def endpoint(acme: NewOrganization) -> None:
    create_endpoint(organization=acme.organization, url="https://example.com/hook", events=list(Event.values))


def read_events() -> list[tuple[str, dict[str, Any]]]:
    """The recorded events in their order, with their data."""
    return [(each.event, each.payload["data"]) for each in WebhookDelivery.objects.order_by("pk")]


def test_a_cancelled_operation_is_an_event(acme: NewOrganization) -> None:
    import_ = create(acme)
    operation = queue(acme, Kind.REVERT, import_)

    cancel_operation(organization=acme.organization, operation_id=operation.pk)

    assert read_events() == [
        (
            "operation.cancelled",
            {
                "organization_id": str(acme.organization.pk),
                "import_id": str(import_.pk),
                "counts": None,
                "link": f"/api/v2/operations/{operation.pk}",
                "operation_id": str(operation.pk),
                "kind": "revert",
            },
        )
    ]


def test_an_import_that_fails_is_an_event_without_row_data(acme: NewOrganization) -> None:
    import_ = create(acme)
    operation = queue(acme, Kind.IMPORT, import_, import_data={"person": [{"first_name": "Secret", "email": "x"}]})

    run_next()

    assert read_events() == [
        (
            "import.failed",
            {
                "organization_id": str(acme.organization.pk),
                "import_id": str(import_.pk),
                "counts": None,
                "link": f"/api/v2/operations/{operation.pk}",
                "operation_id": str(operation.pk),
                "kind": "import",
            },
        )
    ]


def test_an_import_of_a_worker_is_one_event_as_a_synchronous_one_is(acme: NewOrganization) -> None:
    queue(acme, Kind.IMPORT, create(acme))

    run_next()

    assert [event for event, _ in read_events()] == ["import.processed"]


def test_a_create_that_fails_is_no_event(acme: NewOrganization) -> None:
    queue(acme, Kind.CREATE, import_data={**ROWS, "company": [{"name": ""}]})

    run_next()

    assert read_events() == []


def test_a_preview_is_no_event_even_if_it_is_cancelled(acme: NewOrganization) -> None:
    import_ = create(acme)
    for _ in range(2):
        found = request_preview(
            organization=acme.organization, creator=acme.person, import_id=import_.pk, previewed=Previewed.RUN
        )
        cancel_operation(organization=acme.organization, operation_id=found.operation.pk)

    assert Operation.objects.filter(kind=Kind.PREVIEW, status=Status.CANCELLED).count() == 2
    assert read_events() == []
