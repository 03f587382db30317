"""Counts of requests in Redis. Loaded only if there is one."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Sequence

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

# Redis has so long to respond; after a failure it is not asked for some seconds.
_SECONDS = 0.2
_PAUSE_SECONDS = 5.0


class CannotCount(Exception):
    """Redis cannot be used."""


def count(url: str, keys: Sequence[tuple[str, int]]) -> tuple[list[int], float]:
    """Count a request for each key, which has a number of seconds as its period; return the counts, and the time.

    Raises:
        CannotCount: Redis has just failed. For some seconds after that it is not asked, and the list is empty.
    """
    now = time.time()
    if PAUSE.is_on():
        return [], now
    try:
        with _connect(url).pipeline(transaction=True) as pipeline:
            for key, seconds in keys:
                name = f"importsvc:{key}:{int(now // seconds)}"
                pipeline.incr(name)
                pipeline.expire(name, seconds)
            return pipeline.execute()[::2], now
    except redis.RedisError as error:
        PAUSE.begin()
        raise CannotCount from error


class Pause:
    """The time for which Redis is not asked."""

    def __init__(self) -> None:
        self._until = 0.0
        self._lock = threading.Lock()

    def begin(self) -> None:
        """It begins."""
        with self._lock:
            self._until = time.monotonic() + _PAUSE_SECONDS

    def is_on(self) -> bool:
        """Whether it is not over yet."""
        with self._lock:
            return time.monotonic() < self._until


PAUSE = Pause()


@functools.cache
def _connect(url: str) -> redis.Redis:
    """The connections of this process, which are made when they are used."""
    return redis.Redis.from_url(
        url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS, retry=Retry(NoBackoff(), 0)
    )
