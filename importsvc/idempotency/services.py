"""Work that runs once for each idempotency key: one transaction writes work, response and key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from importsvc.errors import Busy, IdempotencyKeyReused
from importsvc.idempotency.models import IdempotencyKey
from importsvc.postgres.transaction_limits import limit_transaction
from organizations.models import Organization

# Rows that one statement deletes: its transaction takes some tens of milliseconds.
PRUNED_AT_ONCE = 10_000


@dataclass(frozen=True)
class StoredResponse:
    """A complete response, before compression.

    Attributes:
        status: of the response.
        headers: of the response.
        body: of the response.
        is_replay: whether an earlier request got this response, and nothing was done for this one.
        kept_body: what a replay gets in place of a body that is too large to be stored.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_replay: bool = False
    kept_body: bytes | None = None


def run_idempotent(
    *,
    organization: Organization,
    key: str,
    fingerprint: str,
    work: Callable[[], StoredResponse],
    refuse: Callable[[Exception], StoredResponse],
) -> StoredResponse:
    """Do the work and store its response, unless the organization's key has one: then return that one.

    When this returns, work and response are committed; when it raises, neither is.

    Args:
        organization: that the key belongs to.
        key: at most 255 characters.
        fingerprint: equal for equal requests, at most 64 characters.
        work: does what the request asks for and returns the response. An exception rolls back what it did.
        refuse: turns an exception of ``work`` into a response to store, or raises one that is not to be stored.

    Raises:
        IdempotencyKeyReused: the key belongs to a request with another fingerprint.
        Busy: a request with this key is running.
    """
    with transaction.atomic(durable=True):
        limit_transaction()
        _lock(organization, key)
        keys = IdempotencyKey.objects.for_organization(organization)
        if stored := keys.filter(key=key, created_at__gt=_expiry()).first():
            if stored.fingerprint != fingerprint:
                raise IdempotencyKeyReused
            return StoredResponse(stored.status, stored.headers, bytes(stored.body), is_replay=True)
        try:
            with transaction.atomic():
                response = work()
        except Exception as error:
            response = refuse(error)
        _store(organization, key, fingerprint, response)
    return response


def prune(*, dry_run: bool = False) -> int:
    """Delete the keys that are older than ``IDEMPOTENCY_KEY_HOURS``, in many short transactions; return how many.

    A dry run only counts them. Rows that another transaction is writing are skipped.
    """
    # The only statement that looks at all organizations.
    expired = IdempotencyKey.objects.filter(created_at__lte=_expiry())
    counts = expired.values_list("organization_id").annotate(count=Count("id")).order_by("organization_id")
    if dry_run:
        return sum(count for _, count in counts)
    return sum(_prune_organization(organization_id) for organization_id, _ in counts)


def _prune_organization(organization_id: int) -> int:
    keys = IdempotencyKey.objects.filter(organization_id=organization_id)
    count = 0
    while True:
        with transaction.atomic():
            expired = keys.filter(created_at__lte=_expiry()).order_by("created_at", "id")
            locked = expired.select_for_update(skip_locked=True)
            ids = list(locked.values_list("pk", flat=True)[:PRUNED_AT_ONCE])
            keys.filter(pk__in=ids).delete()
        count += len(ids)
        if len(ids) < PRUNED_AT_ONCE:
            return count


def _expiry() -> datetime:
    return timezone.now() - timedelta(hours=settings.IDEMPOTENCY_KEY_HOURS)


def _lock(organization: Organization, key: str) -> None:
    """Lock the key until the transaction ends. Raises ``Busy`` instead of waiting: the holder may take minutes."""
    name = f"idempotency {organization.pk} {key}".encode()
    lock_id = int.from_bytes(hashlib.sha256(name).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock_id])
        if not cursor.fetchone()[0]:
            raise Busy("A request with this Idempotency-Key is still running")


def _store(organization: Organization, key: str, fingerprint: str, response: StoredResponse) -> None:
    row = IdempotencyKey(
        organization=organization,
        key=key,
        fingerprint=fingerprint,
        status=response.status,
        headers=dict(response.headers),
        body=response.body if response.kept_body is None else response.kept_body,
    )
    # An expired row of the key may still be there, and another transaction may be pruning it.
    IdempotencyKey.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["organization", "key"],
        update_fields=["fingerprint", "status", "headers", "body", "created_at"],
    )
