"""The sending of due deliveries: at least once each, in up to ten attempts over three days.

HTTP cannot be rolled back, so an attempt is not part of a transaction. A short one takes the delivery first: it counts
the attempt and moves ``next_attempt_at`` past the longest time that a request takes (a lease). The delivery of a worker
that dies is due again after the lease; its receiver may get it twice, with the same ``webhook-id``. An attempt whose
number is no longer that of the row, because its lease ran out, does not plan the next one.

All times are those of the database's clock. A clock that is set forward makes deliveries due early; after one that was
set back they wait for as long as it was set back, and not longer than the longest delay.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Now
from django.utils import timezone
from standardwebhooks import Webhook

from importsvc.postgres.claiming import lock_first
from importsvc.webhooks.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from importsvc.webhooks.posting import TIMEOUT, Answer, Network, post
from importsvc.webhooks.services import FEATURE, ROTATION
from organizations.features import is_available

# The delay before each attempt, from the one before: Standard Webhooks 1.0.0, "Deliverability and reliability".
DELAYS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
LONGEST_DELAY = DELAYS[-1]
# Much longer than a request takes, even if the lookup of its name is slow.
LEASE = timedelta(seconds=TIMEOUT * 4)
# Requests of a call of ``send_due`` at the same time, each to another endpoint, and how many of them may be to
# endpoints whose last attempt failed: such a request is likely to take all of its time.
CONCURRENCY = 8
FAILING_CONCURRENCY = 4
# How often a call looks for due deliveries while it waits for responses, in seconds.
POLL = 0.5

GONE = 410
GONE_REASON = "The receiver responded with 410 Gone"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Attempt:
    """A delivery that is being sent, as it was when it was taken."""

    organization_id: int
    delivery_id: int
    number: int
    endpoint_id: int
    is_failing: bool
    url: str
    secrets: tuple[str, ...]
    event_id: str
    body: str


def send_due(
    *,
    limit: int,
    now: datetime | None = None,
    network: Network | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> int:
    """Send due deliveries of all organizations until none is left, and return the number of attempts.

    Several workers may call it at the same time; a delivery is taken by one of them. Within a call an endpoint has one
    request at a time, and endpoints whose last attempt failed come last and have half of the requests, so endpoints
    that do not respond hardly delay others. The database is only used by the calling thread, which must not be in a
    transaction.

    Args:
        limit: the largest number of attempts.
        now: the time at which deliveries are due; the database's clock if it is ``None``.
        network: how receivers are reached; according to the settings if it is ``None``.
        should_stop: if it returns true no further delivery is taken, and the call returns after at most the time that
            a request takes.
    """
    clock = Now() if now is None else Value(now)
    network = network or Network(allow_private=settings.ALLOW_PRIVATE_WEBHOOKS)
    running: dict[Future[Answer], _Attempt] = {}
    count = 0
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        while True:
            while len(running) < CONCURRENCY and count < limit and not should_stop():
                attempt = _take(clock, running.values())
                if attempt is None:
                    break
                running[pool.submit(_send, attempt, network)] = attempt
                count += 1
            if not running:
                return count
            for future in wait(running, timeout=POLL, return_when=FIRST_COMPLETED).done:
                _record(running.pop(future), future.result(), clock)


def _take(clock: Any, running: Collection[_Attempt]) -> _Attempt | None:
    """Take the delivery that is next, given the attempts that are running; ``None`` if none is due."""
    while True:
        with transaction.atomic(durable=True):
            delivery = _lock_next(clock, running)
            if delivery is None:
                return None
            endpoints = WebhookEndpoint.objects.filter(organization_id=delivery.organization_id)
            endpoint = endpoints.select_related("organization").get(pk=delivery.endpoint_id)
            obstacle = _find_obstacle(delivery, endpoint)
            if obstacle is None:
                _select_row(delivery.organization_id, delivery.pk).update(
                    attempts=F("attempts") + 1, next_attempt_at=clock + LEASE
                )
                return _describe(delivery, endpoint)
            _fail(_select_row(delivery.organization_id, delivery.pk), obstacle)


def _lock_next(clock: Any, running: Collection[_Attempt]) -> WebhookDelivery | None:
    """The delivery that has been due for the longest time, of an endpoint that does not fail if there is one."""
    # The only statements that look at all organizations.
    pending = WebhookDelivery.objects.filter(status=DeliveryStatus.PENDING)
    free = pending.exclude(endpoint_id__in={each.endpoint_id for each in running})
    ordered = free.order_by("next_attempt_at", "id")
    conditions = [Q(next_attempt_at__lte=clock, endpoint__failing_since=None)]
    if sum(each.is_failing for each in running) < FAILING_CONCURRENCY:
        # A time that no delay leads to was written before the clock was set back. It is a statement of its own, because
        # PostgreSQL reads all pending deliveries for one with OR.
        conditions += [Q(next_attempt_at__lte=clock), Q(next_attempt_at__gt=clock + LONGEST_DELAY + LEASE)]
    found = (lock_first(ordered.filter(condition), status=DeliveryStatus.PENDING.value) for condition in conditions)
    return next((delivery for delivery in found if delivery), None)


def _find_obstacle(delivery: WebhookDelivery, endpoint: WebhookEndpoint) -> str | None:
    """Why a due delivery is not sent."""
    if not is_available(endpoint.organization, FEATURE):
        return "The feature 'webhooks' is not available to the organization"
    if not endpoint.enabled:
        return "The endpoint is disabled"
    if delivery.attempts >= len(DELAYS):
        return "The worker ended during the last attempt"
    return None


def _describe(delivery: WebhookDelivery, endpoint: WebhookEndpoint) -> _Attempt:
    secrets = [endpoint.secret]
    if endpoint.previous_secret and endpoint.rotated_at and timezone.now() < endpoint.rotated_at + ROTATION:
        secrets.append(endpoint.previous_secret)
    return _Attempt(
        organization_id=delivery.organization_id,
        delivery_id=delivery.pk,
        number=delivery.attempts + 1,
        endpoint_id=endpoint.pk,
        is_failing=endpoint.failing_since is not None,
        url=endpoint.url,
        secrets=tuple(secrets),
        event_id=delivery.event_id,
        body=json.dumps({name: delivery.payload[name] for name in ("type", "timestamp", "data")}),
    )


def _send(attempt: _Attempt, network: Network) -> Answer:
    """Sign and send a delivery. Runs in a thread without a database connection."""
    sent_at = datetime.now(UTC)
    signatures = [
        Webhook(secret).sign(msg_id=attempt.event_id, timestamp=sent_at, data=attempt.body)
        for secret in attempt.secrets
    ]
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "importsvc",
        "webhook-id": attempt.event_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    try:
        return post(attempt.url, attempt.body.encode(), headers, network=network)
    except Exception:
        # One delivery must not end the worker, which sends all others.
        logger.exception("Delivery %s of organization %s", attempt.delivery_id, attempt.organization_id)
        return Answer(None, "The service failed to send the request")


def _record(attempt: _Attempt, answer: Answer, clock: Any) -> None:
    """Write the outcome of an attempt, unless an earlier one was successful."""
    endpoint = WebhookEndpoint.objects.filter(organization_id=attempt.organization_id, pk=attempt.endpoint_id)
    row = _select_row(attempt.organization_id, attempt.delivery_id)
    if answer.error is None:
        endpoint.exclude(failing_since=None).update(failing_since=None)
        row.exclude(status=DeliveryStatus.DELIVERED).update(
            status=DeliveryStatus.DELIVERED,
            next_attempt_at=None,
            delivered_at=clock,
            last_status=answer.status,
            last_error=None,
        )
        return
    # Not if it has had another URL since the attempt began.
    same = endpoint.filter(url=attempt.url)
    same.filter(failing_since=None).update(failing_since=clock)
    if answer.status == GONE:
        same.filter(enabled=True).update(enabled=False, disabled_reason=GONE_REASON, updated_at=Now())
    row = row.filter(status=DeliveryStatus.PENDING, attempts=attempt.number)
    if answer.status == GONE or attempt.number >= len(DELAYS):
        if _fail(row, answer.error, last_status=answer.status):
            logger.warning(
                "Delivery %s of organization %s failed: %s", attempt.delivery_id, attempt.organization_id, answer.error
            )
        return
    row.update(
        next_attempt_at=clock + _find_delay(attempt.number, answer.retry_after),
        last_status=answer.status,
        last_error=answer.error,
    )


def _find_delay(number: int, retry_after: float | None) -> timedelta:
    """The delay after this attempt: longer than planned if the receiver asks for it, up to the longest delay."""
    asked = min(timedelta(seconds=max(retry_after or 0, 0)), LONGEST_DELAY)
    return max(DELAYS[number], asked)


def _fail(row: QuerySet[WebhookDelivery], error: str, **values: Any) -> int:
    return row.update(status=DeliveryStatus.FAILED, next_attempt_at=None, last_error=error, **values)


def _select_row(organization_id: int, delivery_id: int) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(organization_id=organization_id, pk=delivery_id)
