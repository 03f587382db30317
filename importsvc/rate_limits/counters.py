"""Requests counted once for all processes: in PostgreSQL, or in Redis if ``REDIS_URL`` is set."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from importsvc.environment.variable import Rate

_NOT_LIMITED = "Requests cannot be counted, and are not limited"

# The periods begin by PostgreSQL's clock, which all nodes share. Rows are locked in the order of their keys.
_COUNT = """
    INSERT INTO rate_limits_requestcounter AS counter (key, period, count)
    SELECT key, floor(extract(epoch FROM now()) / seconds), 1
    FROM unnest(%s::text[], %s::int[]) AS counted (key, seconds)
    ORDER BY key
    ON CONFLICT (key) DO UPDATE SET
        count = CASE WHEN counter.period = excluded.period THEN counter.count + 1 ELSE 1 END,
        period = excluded.period
    RETURNING key, count, extract(epoch FROM now())::float8
"""

logger = logging.getLogger("importsvc.rate_limits")


@dataclass(frozen=True)
class Limit:
    """A limit of the requests of a party.

    Attributes:
        name: of the limit: ``token``.
        key: of the limit and the party: ``token:7``.
        rate: the largest number in each period; periods begin at multiples of their length since 1970.
    """

    name: str
    key: str
    rate: Rate


@dataclass(frozen=True)
class Usage:
    """What is used of a limit.

    Attributes:
        limit: the limit.
        count: requests in this period, with those that were refused.
        seconds_left: until the next period.
    """

    limit: Limit
    count: int
    seconds_left: float

    @property
    def is_exceeded(self) -> bool:
        """Whether the request that was counted is one too many."""
        return self.count > self.limit.rate.count


def count_request(limits: Sequence[Limit]) -> list[Usage]:
    """Count a request, and return what is used of each limit: by one statement, or one message to Redis.

    If it cannot be counted, that is logged and the list is empty: the service does not depend on its limits.
    """
    if settings.REDIS_URL:
        return _count_in_redis(limits)
    try:
        return _count_in_postgresql(limits)
    except DatabaseError as error:
        logger.warning(_NOT_LIMITED, exc_info=error)
        return []


def _count_in_postgresql(limits: Sequence[Limit]) -> list[Usage]:
    # An error would end the caller's transaction, if there is one.
    with transaction.atomic() if connection.in_atomic_block else nullcontext(), connection.cursor() as cursor:
        cursor.execute(_COUNT, [[limit.key for limit in limits], [limit.rate.seconds for limit in limits]])
        counts = {key: (count, now) for key, count, now in cursor}
    return [_make_usage(limit, *counts[limit.key]) for limit in limits]


def _count_in_redis(limits: Sequence[Limit]) -> list[Usage]:
    from importsvc.rate_limits.in_redis import CannotCount, count

    try:
        counts, now = count(settings.REDIS_URL, [(limit.key, limit.rate.seconds) for limit in limits])
    except CannotCount as error:
        logger.warning(_NOT_LIMITED, exc_info=error)
        return []
    return [_make_usage(limit, number, now) for limit, number in zip(limits, counts, strict=False)]


def _make_usage(limit: Limit, count: int, now: float) -> Usage:
    return Usage(limit, count, limit.rate.seconds - now % limit.rate.seconds)
