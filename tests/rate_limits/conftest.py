"""A real Redis for the tests that count requests in it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import redis
from pytest_django import Settings

# A database for each of the processes that run tests at once, which are called gw0 and so on.
DATABASE = 8 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
URL = f"{os.environ.get('TEST_REDIS_URL', 'redis://127.0.0.1:6379')}/{DATABASE}"
MISSING = f"tests of Redis need one at {URL}; on Debian: apt install redis-server"


@pytest.fixture
def redis_client() -> Iterator[redis.Redis]:
    """A client of an empty database. Without one the tests are skipped; with ``REQUIRE_REDIS`` they fail."""
    with redis.Redis.from_url(URL, socket_connect_timeout=2) as client:
        try:
            client.flushdb()
        except redis.ConnectionError:
            if os.environ.get("REQUIRE_REDIS"):
                pytest.fail(MISSING, pytrace=False)
            pytest.skip(MISSING)
        yield client
        client.flushdb()


@pytest.fixture
def in_redis(redis_client: redis.Redis, settings: Settings) -> redis.Redis:
    """Requests are counted there."""
    settings.REDIS_URL = URL
    return redis_client
