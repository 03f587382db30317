"""The services of webhooks: events recorded in the transaction of their work; endpoints and deliveries managed."""

from __future__ import annotations

import base64
import json
import secrets
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from importsvc.errors import Conflict, FeatureUnavailable, InvalidAttribute, RecordNotFound
from importsvc.webhooks.addresses import UrlRefused, read_url
from importsvc.webhooks.events import Event
from importsvc.webhooks.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from organizations.features import is_available
from organizations.models import Organization
from people.models import Person

FEATURE = "webhooks"
# The previous secret also signs requests for so long after a rotation.
ROTATION = timedelta(days=1)
# Rows that one statement of ``prune_deliveries`` deletes.
PRUNED_AT_ONCE = 10_000

_SECRET_BYTES = 32

# One statement, because it is part of every import. An organization's switch is on unless its features say otherwise.
_RECORD = """
    INSERT INTO webhooks_webhookdelivery
        (organization_id, endpoint_id, event, event_id, payload, status, attempts, next_attempt_at, created_at)
    SELECT endpoint.organization_id, endpoint.id, %(event)s, %(event_id)s, %(payload)s, 'pending', 0,
        statement_timestamp(), statement_timestamp()
    FROM webhooks_webhookendpoint AS endpoint
    JOIN organizations_organization AS organization ON organization.id = endpoint.organization_id
    WHERE endpoint.organization_id = %(organization_id)s AND endpoint.enabled AND %(event)s = ANY(endpoint.events)
        AND NOT organization.features @> '{"webhooks": {"available": false}}'
"""


@dataclass(frozen=True)
class NewSecret:
    """An endpoint with a secret that was made for it. No response or page shows the secret again."""

    endpoint: WebhookEndpoint
    secret: str


def record_event(*, organization_id: int, event: Event, data: Mapping[str, Any]) -> None:
    """Write a delivery for each enabled endpoint of the organization that subscribes to the event.

    Part of the caller's transaction: the event is sent if and only if that commits. Call it as late as possible in the
    transaction, because an endpoint cannot be deleted until then.

    Args:
        organization_id: of the work that the event is about.
        event: what happened.
        data: ids, counts and a link, no personal data; the organization's id is added.
    """
    payload = {
        "type": event.value,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "data": {"organization_id": str(organization_id), **data},
    }
    with connection.cursor() as cursor:
        cursor.execute(
            _RECORD,
            {
                "organization_id": organization_id,
                "event": event.value,
                "event_id": f"msg_{uuid.uuid4().hex}",
                "payload": json.dumps(payload),
            },
        )


def check_url(url: str) -> None:
    """Check that webhooks may be sent to a URL. Its name is not resolved: that happens for each request.

    Raises:
        UrlRefused: they may not.
    """
    read_url(url, allow_private=settings.ALLOW_PRIVATE_WEBHOOKS)


def create_endpoint(
    *,
    organization: Organization,
    url: str,
    events: Collection[str],
    enabled: bool = True,
    creator: Person | None = None,
) -> NewSecret:
    """Create an endpoint with a new secret.

    Raises:
        FeatureUnavailable, InvalidAttribute: nothing is created.
    """
    _require_feature(organization)
    secret = _make_secret()
    endpoint = WebhookEndpoint.objects.create(
        organization=organization,
        creator=creator,
        url=_clean_url(url),
        events=_clean_events(events),
        enabled=enabled,
        secret=secret,
    )
    return NewSecret(endpoint, secret)


def update_endpoint(
    *,
    organization: Organization,
    endpoint_id: int,
    url: str | None = None,
    events: Collection[str] | None = None,
    enabled: bool | None = None,
) -> None:
    """Change the attributes that are given.

    Raises:
        FeatureUnavailable, InvalidAttribute, RecordNotFound: nothing is changed.
    """
    _require_feature(organization)
    values: dict[str, Any] = {}
    if url is not None:
        values |= {"url": _clean_url(url), "failing_since": None}
    if events is not None:
        values["events"] = _clean_events(events)
    if enabled is not None:
        values |= {"enabled": enabled, "disabled_reason": None}
    if not _select_endpoint(organization, endpoint_id).update(**values, updated_at=Now()):
        raise RecordNotFound


def rotate_secret(*, organization: Organization, endpoint_id: int) -> NewSecret:
    """Give an endpoint a new secret. For a day the previous one also signs its requests.

    Raises:
        FeatureUnavailable, RecordNotFound: nothing is changed.
    """
    _require_feature(organization)
    with transaction.atomic():
        endpoint = _lock_endpoint(organization, endpoint_id)
        endpoint.previous_secret, endpoint.secret = endpoint.secret, _make_secret()
        endpoint.rotated_at = endpoint.updated_at = timezone.now()
        _select_endpoint(organization, endpoint_id).update(
            secret=endpoint.secret,
            previous_secret=endpoint.previous_secret,
            rotated_at=endpoint.rotated_at,
            updated_at=endpoint.updated_at,
        )
    return NewSecret(endpoint, endpoint.secret)


def delete_endpoint(*, organization: Organization, endpoint_id: int) -> None:
    """Delete an endpoint and its deliveries, pending ones too.

    Raises:
        RecordNotFound: there is no such endpoint.
    """
    with transaction.atomic():
        # Not no_key: a transaction that records an event for the endpoint waits, and then finds no endpoint.
        _lock_endpoint(organization, endpoint_id, no_key=False)
        WebhookDelivery.objects.for_organization(organization).filter(endpoint_id=endpoint_id).delete()
        _select_endpoint(organization, endpoint_id).delete()


def redeliver(*, organization: Organization, delivery_id: int) -> None:
    """Send a delivery again as soon as possible, with all attempts and the same event id, whatever its status is.

    Raises:
        FeatureUnavailable, RecordNotFound: nothing is changed.
        Conflict: the endpoint is disabled.
    """
    _require_feature(organization)
    with transaction.atomic():
        deliveries = WebhookDelivery.objects.for_organization(organization).filter(pk=delivery_id)
        delivery = deliveries.select_related("endpoint").select_for_update(of=("self",), no_key=True).first()
        if delivery is None:
            raise RecordNotFound
        if not delivery.endpoint.enabled:
            raise Conflict("The endpoint of the delivery is disabled")
        deliveries.update(
            status=DeliveryStatus.PENDING, attempts=0, next_attempt_at=Now(), delivered_at=None, last_error=None
        )


def prune_deliveries(*, dry_run: bool = False) -> int:
    """Delete finished deliveries older than ``WEBHOOK_DELIVERY_DAYS``, in short transactions; return how many.

    A dry run only counts them. Rows that another transaction is writing are skipped.
    """
    # The only statement that looks at all organizations.
    counts = _select_old(WebhookDelivery.objects.all()).values_list("organization_id").annotate(count=Count("id"))
    if dry_run:
        return sum(count for _, count in counts.order_by("organization_id"))
    return sum(_prune_organization(organization_id) for organization_id, _ in counts.order_by("organization_id"))


def _prune_organization(organization_id: int) -> int:
    deliveries = WebhookDelivery.objects.filter(organization_id=organization_id)
    count = 0
    while True:
        with transaction.atomic():
            locked = _select_old(deliveries).order_by("id").select_for_update(skip_locked=True)
            ids = list(locked.values_list("pk", flat=True)[:PRUNED_AT_ONCE])
            deliveries.filter(pk__in=ids).delete()
        count += len(ids)
        if len(ids) < PRUNED_AT_ONCE:
            return count


def _select_old(deliveries: QuerySet[WebhookDelivery]) -> QuerySet[WebhookDelivery]:
    expiry = timezone.now() - timedelta(days=settings.WEBHOOK_DELIVERY_DAYS)
    return deliveries.filter(created_at__lte=expiry).exclude(status=DeliveryStatus.PENDING)


def _require_feature(organization: Organization) -> None:
    if not is_available(organization, FEATURE):
        raise FeatureUnavailable(FEATURE)


def _select_endpoint(organization: Organization, endpoint_id: int) -> QuerySet[WebhookEndpoint]:
    return WebhookEndpoint.objects.for_organization(organization).filter(pk=endpoint_id)


def _lock_endpoint(organization: Organization, endpoint_id: int, *, no_key: bool = True) -> WebhookEndpoint:
    endpoint = _select_endpoint(organization, endpoint_id).select_for_update(no_key=no_key).first()
    if endpoint is None:
        raise RecordNotFound
    return endpoint


def _clean_url(url: str) -> str:
    try:
        check_url(url)
    except UrlRefused as error:
        raise InvalidAttribute(str(error), attribute="url") from None
    return url


def _clean_events(events: Collection[str]) -> list[str]:
    """The events in the order of their declaration, each once."""
    unknown = set(events) - set(Event.values)
    if unknown or not events:
        raise InvalidAttribute(f"must be one or more of {', '.join(Event.values)}", attribute="events")
    return [name for name in Event.values if name in events]


def _make_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
