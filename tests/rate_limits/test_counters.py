"""Requests are counted once for all processes and threads, in PostgreSQL or in Redis."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from django.db import connection, transaction
from pytest_django import Settings

from importsvc.environment.variable import Rate
from importsvc.rate_limits import in_redis as in_redis_module
from importsvc.rate_limits.counters import Limit, count_request
from importsvc.rate_limits.models import RequestCounter
from tests.ports import find_port

# A day: no period ends during a test, but for one that runs at midnight, which reads the clock again.
DAY = 86_400

TOKEN = Limit("token", "token:7", Rate(3, DAY))
ORGANIZATION = Limit("organization", "organization:1", Rate(5, DAY))


@pytest.fixture(params=["postgresql", "redis"])
def store(request: pytest.FixtureRequest) -> str:
    """Each place where requests are counted."""
    if request.param == "redis":
        request.getfixturevalue("in_redis")
    return str(request.param)


def counts(*limits: Limit) -> list[int]:
    return [usage.count for usage in count_request(limits)]


@pytest.mark.django_db
def test_each_request_counts_for_each_of_its_limits(store: str) -> None:
    other = Limit("token", "token:8", Rate(3, DAY))

    assert counts(TOKEN, ORGANIZATION) == [1, 1]
    assert counts(TOKEN, ORGANIZATION) == [2, 2]
    assert counts(other, ORGANIZATION) == [1, 3]
    assert counts(TOKEN) == [3]


@pytest.mark.django_db
def test_a_limit_is_exceeded_by_the_first_request_after_its_number(store: str) -> None:
    assert [count_request([TOKEN])[0].is_exceeded for _ in range(5)] == [False, False, False, True, True]


@pytest.mark.django_db
def test_the_time_left_is_that_until_the_next_period(store: str) -> None:
    (day,), (second,) = count_request([TOKEN]), count_request([Limit("token", "token:9", Rate(3, 1))])

    assert 0 < day.seconds_left <= DAY
    assert 0 < second.seconds_left <= 1


@pytest.mark.django_db
def test_a_new_period_begins_at_one() -> None:
    RequestCounter.objects.create(key="token:7", period=1, count=1000)

    assert counts(TOKEN, ORGANIZATION) == [1, 1]
    assert counts(TOKEN, ORGANIZATION) == [2, 2]


@pytest.mark.django_db(transaction=True)
def test_requests_at_the_same_time_are_all_counted(store: str) -> None:
    def count(number: int) -> None:
        own = Limit("token", f"token:{number}", Rate(3, DAY))
        for _ in range(25):
            count_request([own, ORGANIZATION] if number % 2 else [ORGANIZATION, own])
        connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(8)))

    assert counts(ORGANIZATION) == [201]
    assert counts(Limit("token", "token:3", Rate(3, DAY))) == [26]


@pytest.mark.django_db
def test_keys_in_redis_expire_with_their_period(in_redis: redis.Redis) -> None:
    count_request([TOKEN, ORGANIZATION])

    keys = sorted(in_redis.scan_iter())
    assert [key.rpartition(b":")[0] for key in keys] == [b"importsvc:organization:1", b"importsvc:token:7"]
    assert all(0 < in_redis.ttl(key) <= DAY for key in keys)


@pytest.mark.django_db
def test_a_request_is_one_statement() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'rate_limits_requestcounter'")
        assert cursor.fetchone() == ("u",)
    statements: list[str] = []

    def record(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(record):
        count_request([TOKEN, ORGANIZATION])

    # Savepoints are those of the test's transaction.
    assert [sql.split()[0] for sql in statements if "SAVEPOINT" not in sql] == ["INSERT"]


@pytest.mark.django_db
def test_a_database_that_cannot_be_written_limits_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        assert count_request([TOKEN]) == []
        cursor.execute("SELECT 1")
        transaction.set_rollback(True)

    assert "Requests cannot be counted, and are not limited" in caplog.text


def test_a_redis_that_is_away_limits_nothing_and_is_asked_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{find_port()}/0"
    monkeypatch.setattr(in_redis_module, "PAUSE", in_redis_module.Pause())

    assert [count_request([TOKEN]) for _ in range(3)] == [[], [], []]
    assert caplog.messages == ["Requests cannot be counted, and are not limited"]
