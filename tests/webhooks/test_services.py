"""Endpoints and deliveries are managed by services, and the database refuses what these never write."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from importsvc.errors import Conflict, FeatureUnavailable, InvalidAttribute, RecordNotFound
from importsvc.webhooks.events import Event
from importsvc.webhooks.models import WebhookDelivery, WebhookEndpoint
from importsvc.webhooks.services import (
    create_endpoint,
    delete_endpoint,
    redeliver,
    rotate_secret,
    update_endpoint,
)
from people.services import NewOrganization
from tests.builders import SECRET, make_delivery, make_endpoint

pytestmark = pytest.mark.django_db

URL = "https://example.com/hooks"


def take_away_the_feature(caller: NewOrganization) -> None:
    caller.organization.features = {"webhooks": {"available": False}}
    caller.organization.save()


def test_a_new_endpoint_has_a_secret_of_random_bytes(acme: NewOrganization) -> None:
    made = [
        create_endpoint(organization=acme.organization, url=URL, events=[Event.IMPORT_FAILED], creator=acme.person)
        for _ in range(2)
    ]

    assert made[0].secret != made[1].secret
    for each in made:
        prefix, _, encoded = each.secret.partition("_")
        assert (prefix, len(base64.b64decode(encoded, validate=True))) == ("whsec", 32)
        stored = WebhookEndpoint.objects.get(pk=each.endpoint.pk)
        assert (stored.secret, stored.previous_secret, stored.rotated_at) == (each.secret, None, None)
        assert (stored.url, stored.events, stored.enabled) == (URL, ["import.failed"], True)
        assert stored.creator == acme.person


def test_events_are_stored_once_in_the_order_of_their_declaration(acme: NewOrganization) -> None:
    given = ["operation.cancelled", "import.processed", "operation.cancelled"]

    made = create_endpoint(organization=acme.organization, url=URL, events=given)

    assert WebhookEndpoint.objects.get(pk=made.endpoint.pk).events == ["import.processed", "operation.cancelled"]


@pytest.mark.parametrize(
    ("values", "attribute", "message"),
    [
        ({"url": "http://example.com"}, "url", "must begin with https://"),
        ({"url": "https://10.0.0.1"}, "url", "must not have a private address"),
        ({"events": ["import.banana"]}, "events", f"must be one or more of {', '.join(Event.values)}"),
        ({"events": []}, "events", f"must be one or more of {', '.join(Event.values)}"),
    ],
)
def test_an_endpoint_that_is_not_acceptable_is_refused(
    acme: NewOrganization, values: dict[str, Any], attribute: str, message: str
) -> None:
    endpoint = make_endpoint(organization=acme.organization)
    before = list(WebhookEndpoint.objects.values())

    for change in (
        lambda: create_endpoint(organization=acme.organization, **{"url": URL, "events": Event.values, **values}),
        lambda: update_endpoint(organization=acme.organization, endpoint_id=endpoint.pk, **values),
    ):
        with pytest.raises(InvalidAttribute) as caught:
            change()
        assert (caught.value.attribute, caught.value.detail) == (attribute, message)

    assert list(WebhookEndpoint.objects.values()) == before


def test_an_endpoint_with_another_url_does_not_count_as_failing(acme: NewOrganization) -> None:
    endpoint = make_endpoint(organization=acme.organization, failing_since=timezone.now())

    update_endpoint(organization=acme.organization, endpoint_id=endpoint.pk, enabled=True)
    assert WebhookEndpoint.objects.get().failing_since == endpoint.failing_since
    update_endpoint(organization=acme.organization, endpoint_id=endpoint.pk, url="https://example.com/new")
    assert WebhookEndpoint.objects.get().failing_since is None


def test_only_the_given_attributes_are_changed(acme: NewOrganization) -> None:
    endpoint = make_endpoint(organization=acme.organization, enabled=False, disabled_reason="Gone")
    before = WebhookEndpoint.objects.values().get()

    update_endpoint(organization=acme.organization, endpoint_id=endpoint.pk, url="https://example.com/new")

    after = WebhookEndpoint.objects.values().get()
    assert after == {**before, "url": "https://example.com/new", "updated_at": after["updated_at"]}
    assert after["updated_at"] > before["updated_at"]


@pytest.mark.parametrize("enabled", [True, False])
def test_enabling_and_disabling_removes_the_services_reason(acme: NewOrganization, enabled: bool) -> None:
    endpoint = make_endpoint(organization=acme.organization, enabled=False, disabled_reason="Gone")

    update_endpoint(organization=acme.organization, endpoint_id=endpoint.pk, enabled=enabled)

    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_reason) == (enabled, None)


def test_a_rotation_keeps_the_previous_secret(acme: NewOrganization) -> None:
    endpoint = make_endpoint(organization=acme.organization)

    made = rotate_secret(organization=acme.organization, endpoint_id=endpoint.pk)

    endpoint.refresh_from_db()
    assert (endpoint.secret, endpoint.previous_secret) == (made.secret, SECRET)
    assert made.secret != SECRET
    assert endpoint.rotated_at == endpoint.updated_at


def test_an_endpoint_is_deleted_with_its_deliveries_only(acme: NewOrganization) -> None:
    endpoint, other = (make_endpoint(organization=acme.organization) for _ in range(2))
    for each in (endpoint, other):
        make_delivery(endpoint=each)

    delete_endpoint(organization=acme.organization, endpoint_id=endpoint.pk)

    assert list(WebhookEndpoint.objects.all()) == [other]
    assert list(WebhookDelivery.objects.values_list("endpoint_id", flat=True)) == [other.pk]


@pytest.mark.parametrize("state", ["pending", "delivered", "failed"])
def test_a_delivery_is_sent_again_with_the_same_id_and_all_attempts(acme: NewOrganization, state: str) -> None:
    now = timezone.now()
    states: dict[str, dict[str, Any]] = {
        "pending": {"next_attempt_at": now + timedelta(hours=5)},
        "delivered": {"delivered_at": now, "next_attempt_at": None},
        "failed": {"last_error": "Gone", "next_attempt_at": None},
    }
    delivery = make_delivery(
        endpoint=make_endpoint(organization=acme.organization),
        status=state,
        attempts=7,
        last_status=500,
        **states[state],
    )

    redeliver(organization=acme.organization, delivery_id=delivery.pk)

    again = WebhookDelivery.objects.get()
    assert (again.event_id, again.status, again.attempts, again.delivered_at) == ("msg_1", "pending", 0, None)
    assert (again.last_status, again.last_error) == (500, None)
    assert again.next_attempt_at
    assert abs(again.next_attempt_at - now) < timedelta(seconds=5)


def test_a_delivery_to_a_disabled_endpoint_is_not_sent_again(acme: NewOrganization) -> None:
    endpoint = make_endpoint(organization=acme.organization, enabled=False)
    delivery = make_delivery(endpoint=endpoint, status="failed", next_attempt_at=None)

    with pytest.raises(Conflict, match="The endpoint of the delivery is disabled"):
        redeliver(organization=acme.organization, delivery_id=delivery.pk)

    assert WebhookDelivery.objects.get().status == "failed"


def test_what_another_organization_has_is_not_found(acme: NewOrganization, globex: NewOrganization) -> None:
    endpoint = make_endpoint(organization=acme.organization)
    delivery = make_delivery(endpoint=endpoint, status="failed", next_attempt_at=None)
    before = (list(WebhookEndpoint.objects.values()), list(WebhookDelivery.objects.values()))
    theirs = globex.organization

    for change in (
        lambda: update_endpoint(organization=theirs, endpoint_id=endpoint.pk, enabled=False),
        lambda: rotate_secret(organization=theirs, endpoint_id=endpoint.pk),
        lambda: delete_endpoint(organization=theirs, endpoint_id=endpoint.pk),
        lambda: redeliver(organization=theirs, delivery_id=delivery.pk),
    ):
        with pytest.raises(RecordNotFound):
            change()

    assert (list(WebhookEndpoint.objects.values()), list(WebhookDelivery.objects.values())) == before


def test_without_the_feature_endpoints_can_only_be_deleted(acme: NewOrganization) -> None:
    endpoint = make_endpoint(organization=acme.organization)
    delivery = make_delivery(endpoint=endpoint)
    take_away_the_feature(acme)
    own = acme.organization

    for change in (
        lambda: create_endpoint(organization=own, url=URL, events=Event.values),
        lambda: update_endpoint(organization=own, endpoint_id=endpoint.pk, enabled=False),
        lambda: rotate_secret(organization=own, endpoint_id=endpoint.pk),
        lambda: redeliver(organization=own, delivery_id=delivery.pk),
    ):
        with pytest.raises(FeatureUnavailable):
            change()
    delete_endpoint(organization=own, endpoint_id=endpoint.pk)

    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (WebhookEndpoint, {"events": []}),
        (WebhookEndpoint, {"events": ["import.banana"]}),
        (WebhookEndpoint, {"enabled": True, "disabled_reason": "Gone"}),
        (WebhookEndpoint, {"previous_secret": "x"}),
        (WebhookEndpoint, {"creator_id": 999_999_999}),
        (WebhookDelivery, {"event": "import.banana"}),
        (WebhookDelivery, {"status": "banana"}),
        (WebhookDelivery, {"status": "delivered"}),
        (WebhookDelivery, {"status": "failed"}),
        (WebhookDelivery, {"next_attempt_at": None}),
        (WebhookDelivery, {"endpoint_id": 999_999_999}),
    ],
)
def test_the_database_refuses_what_the_services_never_write(
    acme: NewOrganization, model: Any, values: dict[str, Any]
) -> None:
    make_delivery(endpoint=make_endpoint(organization=acme.organization))

    with pytest.raises(IntegrityError):
        model.objects.update(**values)


def test_the_database_refuses_a_delivery_or_a_creator_of_another_organization(
    acme: NewOrganization, globex: NewOrganization
) -> None:
    endpoint = make_endpoint(organization=acme.organization)

    with pytest.raises(IntegrityError), transaction.atomic():
        make_endpoint(organization=acme.organization, creator=globex.person)
    with pytest.raises(IntegrityError), transaction.atomic():
        WebhookDelivery.objects.bulk_create(
            [WebhookDelivery(organization=globex.organization, endpoint_id=endpoint.pk, payload={}, event="x")]
        )
