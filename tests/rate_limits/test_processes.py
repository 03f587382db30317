"""A service of several processes lets as many requests through as one of a single process."""

from __future__ import annotations

import pytest
import redis

from people.services import NewOrganization
from tests.rate_limits.conftest import URL
from tests.service import run_service


def send_thirty(caller: NewOrganization, **environment: str) -> list[int]:
    """The statuses of requests over connections of their own, which two processes accept."""
    limits = {"API_RATE_LIMIT": "20/day", "ORGANIZATION_RATE_LIMIT": "off"}
    with run_service(WEB_CONCURRENCY="2", WORKERS="0", **limits, **environment) as service:
        return [service.send(caller, "GET", "imports").status for _ in range(30)]


@pytest.mark.django_db(transaction=True)
def test_postgresql_counts_for_all_processes(acme: NewOrganization) -> None:
    assert send_thirty(acme) == [200] * 20 + [429] * 10


@pytest.mark.django_db(transaction=True)
def test_redis_counts_for_all_processes(acme: NewOrganization, redis_client: redis.Redis) -> None:
    assert send_thirty(acme, REDIS_URL=URL) == [200] * 20 + [429] * 10
    assert list(redis_client.scan_iter())
