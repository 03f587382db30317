"""Requests settled once: work, answer and key in one transaction, so that none is there without the others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from importsvc.answers import Answer
from importsvc.errors import Busy, IdempotencyKeyReused
from importsvc.idempotency.models import IdempotencyKey
from organizations.models import Organization

# Rows that one statement removes: its transaction takes some tens of milliseconds.
PRUNED_AT_ONCE = 10_000


class Settled(NamedTuple):
    """The answer to a request, and whether it was given before, so that nothing was done now."""

    answer: Answer
    is_replay: bool


def settle_once(
    *,
    organization: Organization,
    key: str,
    fingerprint: str,
    work: Callable[[], Answer],
    refuse: Callable[[Exception], Answer],
) -> Settled:
    """Do the work and keep its answer, unless the organization's key has one already: then that is the answer.

    When this returns, both are committed; when it raises, nothing was done and nothing is kept.

    Args:
        organization: whose key it is.
        key: that the client gave.
        fingerprint: the same for requests that are the same, at most 64 characters.
        work: does what the request asks for and answers. What it raises undoes what it did.
        refuse: makes an answer of what ``work`` raised, to be kept like others; or raises what is not to be kept.

    Raises:
        IdempotencyKeyReused: the key is another request's.
        Busy: a request with this key is running at this moment.
    """
    with transaction.atomic(durable=True):
        _lock(organization, key)
        kept = _find(organization, key)
        if kept is not None:
            if kept.fingerprint != fingerprint:
                raise IdempotencyKeyReused
            return Settled(Answer(kept.status, kept.headers, bytes(kept.body)), is_replay=True)
        try:
            with transaction.atomic():
                answer = work()
        except Exception as error:
            answer = refuse(error)
        _keep(organization, key, fingerprint, answer)
    return Settled(answer, is_replay=False)


def prune(*, dry_run: bool = False) -> int:
    """Remove the keys that are older than ``IDEMPOTENCY_KEY_HOURS``, in many short transactions; how many they are.

    On a dry run they are only counted. Rows that somebody is writing at this moment are left alone.
    """
    expired = IdempotencyKey.objects.filter(created_at__lte=_expiry())
    if dry_run:
        return expired.count()
    count, found = 0, PRUNED_AT_ONCE
    while found == PRUNED_AT_ONCE:
        with transaction.atomic():
            locked = expired.select_for_update(skip_locked=True).order_by("created_at", "id")
            ids = list(locked.values_list("pk", flat=True)[:PRUNED_AT_ONCE])
            IdempotencyKey.objects.filter(pk__in=ids).delete()
        found = len(ids)
        count += found
    return count


def _expiry() -> datetime:
    return timezone.now() - timedelta(hours=settings.IDEMPOTENCY_KEY_HOURS)


def _lock(organization: Organization, key: str) -> None:
    """Keep others from settling the key until the transaction ends. Does not wait: the other one may take minutes."""
    name = f"idempotency {organization.pk} {key}".encode()
    lock_id = int.from_bytes(hashlib.sha256(name).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock_id])
        (is_locked,) = cursor.fetchone()
    if not is_locked:
        raise Busy("A request with this Idempotency-Key is still running")


def _find(organization: Organization, key: str) -> IdempotencyKey | None:
    keys = IdempotencyKey.objects.for_organization(organization).filter(key=key, created_at__gt=_expiry())
    return next(iter(keys), None)  # there is one at most


def _keep(organization: Organization, key: str, fingerprint: str, answer: Answer) -> None:
    kept = IdempotencyKey(
        organization=organization,
        key=key,
        fingerprint=fingerprint,
        status=answer.status,
        headers=dict(answer.headers),
        body=answer.body,
    )
    # In the place of an expired one, which may be pruned at this moment.
    IdempotencyKey.objects.bulk_create(
        [kept],
        update_conflicts=True,
        unique_fields=["organization", "key"],
        update_fields=["fingerprint", "status", "headers", "body", "created_at"],
    )
