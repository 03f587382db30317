"""A transaction in a deadlock is tried again after a pause of random length."""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, connections, transaction

from importsvc.postgres.write_conflicts import ATTEMPTS, retry
from tests.faults import PostgreSQLError


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses, which take no time."""
    paused: list[float] = []
    monkeypatch.setattr("importsvc.postgres.write_conflicts.time.sleep", paused.append)
    return paused


def fail(error: type[DatabaseError], code: str) -> None:
    raise error("no") from PostgreSQLError(code)


def test_pauses_after_deadlocks_are_random_and_grow(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda _, longest: longest)

    with pytest.raises(OperationalError):
        retry(lambda: fail(OperationalError, "40P01"))

    assert pauses == [0.05, 0.1, 0.2, 0.4]
    assert len(pauses) == ATTEMPTS - 1


def test_a_pause_is_shorter_than_its_limit(pauses: list[float]) -> None:
    with pytest.raises(OperationalError):
        retry(lambda: fail(OperationalError, "40P01"))

    assert all(0 <= pause <= limit for pause, limit in zip(pauses, [0.05, 0.1, 0.2, 0.4], strict=True))
    assert len(set(pauses)) == len(pauses)


def test_another_write_conflict_is_retried_without_a_pause(pauses: list[float]) -> None:
    with pytest.raises(IntegrityError):
        retry(lambda: fail(IntegrityError, "23505"))

    assert pauses == []


@pytest.mark.django_db(transaction=True)
def test_both_transactions_of_a_deadlock_get_through() -> None:
    """Each has updated the row that the other one updates next, at the first attempt."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS notes; CREATE TABLE notes (id int PRIMARY KEY, count int NOT NULL)")
        cursor.execute("INSERT INTO notes VALUES (0, 0), (1, 0)")
    both_hold_a_row = threading.Barrier(2)
    attempts: Counter[int] = Counter()

    def write(first: int) -> None:
        def write_once() -> None:
            attempts[first] += 1
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL deadlock_timeout = '50ms'")
                cursor.execute("UPDATE notes SET count = count + 1 WHERE id = %s", [first])
                if attempts[first] == 1:
                    both_hold_a_row.wait(30)
                cursor.execute("UPDATE notes SET count = count + 1 WHERE id = %s", [1 - first])

        try:
            retry(write_once)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(2)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count FROM notes")
        assert cursor.fetchall() == [(2,), (2,)]
        cursor.execute("DROP TABLE notes")
    assert attempts.total() > 2  # a deadlock it was
