"""A transaction in a deadlock is tried again after pauses of random length, so that many get through."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, connections, transaction

from importsvc.postgres.write_conflicts import ATTEMPTS, is_write_conflict, retry
from tests.faults import PostgreSQLError

WRITERS = 40


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
def test_most_of_forty_transactions_in_deadlocks_get_through() -> None:
    """Each locks the same rows in an order of its own."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS notes; CREATE TABLE notes (id int PRIMARY KEY, count int NOT NULL)")
        cursor.execute("INSERT INTO notes SELECT n, 0 FROM generate_series(0, 3) AS n")
    start = threading.Barrier(WRITERS)

    def write(number: int) -> bool:
        order = random.Random(number).sample(range(4), 4)  # noqa: S311 - no secret

        def write_once() -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL deadlock_timeout = '50ms'")
                for note in order:
                    cursor.execute("UPDATE notes SET count = count + 1 WHERE id = %s", [note])
                    cursor.execute("SELECT pg_sleep(0.002)")

        start.wait()
        try:
            retry(write_once)
        except DatabaseError as error:
            return not is_write_conflict(error)
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(WRITERS) as pool:
        through = sum(pool.map(write, range(WRITERS)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT count FROM notes")
        assert cursor.fetchall() == [(through,)]
        cursor.execute("DROP TABLE notes")
    assert through > WRITERS * 3 / 4
