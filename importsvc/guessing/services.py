"""Counts failed attempts in the database, so that all processes count together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv6Address, ip_address

from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.crypto import salted_hmac

from importsvc.guessing.models import FailureCount

# Seconds from the first failure that is counted until none of them counts any more.
WINDOW_SECONDS = 300

# Failures with one token or account from an address, and all failures from an address.
PAIR_LIMIT = 10
ADDRESS_LIMIT = 50

# In IPv6 a client has a network of this prefix length, and may change its address within it.
_IPV6_PREFIX = 64


@dataclass(frozen=True)
class Counter:
    """What failures are counted for. After ``limit`` of them further attempts are refused, until they expire."""

    key: str
    limit: int


def count_for_address(kind: str, address: str) -> Counter:
    """The counter of an address, which is that of the connection; ``kind`` is what is attempted."""
    return Counter(_make_key(kind, _get_network(address)), ADDRESS_LIMIT)


def count_for_pair(kind: str, address: str, name: str) -> Counter:
    """The counter of a token or an account at an address."""
    return Counter(_make_key(kind, _get_network(address), name), PAIR_LIMIT)


def count_failure(counter: Counter) -> int:
    """Count a failed attempt; return the seconds after which the next one is allowed, 0 if it is allowed now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO guessing_failurecount AS counted (key, failures, expires_at)"
            " VALUES (%(key)s, 1, now() + %(window)s * interval '1 second')"
            " ON CONFLICT (key) DO UPDATE SET"
            "  failures = CASE WHEN counted.expires_at > now() THEN counted.failures + 1 ELSE 1 END,"
            "  expires_at = CASE WHEN counted.expires_at > now() THEN counted.expires_at ELSE excluded.expires_at END"
            " RETURNING failures, expires_at",
            {"key": counter.key, "window": WINDOW_SECONDS},
        )
        failures, expires_at = cursor.fetchone()
    return _get_wait(expires_at) if failures > counter.limit else 0


def find_wait(*counters: Counter) -> int:
    """The seconds after which the next attempt is allowed by all of these counters, 0 if it is allowed now."""
    limits = {counter.key: counter.limit for counter in counters}
    counts = FailureCount.objects.filter(key__in=limits, expires_at__gt=Now())
    waits = [_get_wait(count.expires_at) for count in counts if count.failures >= limits[count.key]]
    return max(waits, default=0)


def forget_failures(counter: Counter) -> None:
    """Begin to count anew, after an attempt that has succeeded."""
    FailureCount.objects.filter(key=counter.key).delete()


def prune_failures(*, dry_run: bool = False) -> int:
    """Delete the counts that have expired, and return how many. A dry run only counts them."""
    expired = FailureCount.objects.filter(expires_at__lte=Now())
    return expired.count() if dry_run else expired.delete()[0]


def _get_wait(expires_at: datetime) -> int:
    return max(1, math.ceil((expires_at - timezone.now()).total_seconds()))


def _make_key(*parts: str) -> str:
    return salted_hmac("importsvc.guessing", "\n".join(parts), algorithm="sha256").hexdigest()


def _get_network(address: str) -> str:
    """The part of an address that a client cannot choose; the address as it is if it is none, as of a Unix socket."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or int(parsed) >> (parsed.max_prefixlen - _IPV6_PREFIX))
