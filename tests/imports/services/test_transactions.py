"""What is done when the database says that somebody else was there: begin anew, a few times, or say so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from importsvc.engine.apply.write import RecordWriter
from importsvc.errors import Conflict
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import create_import, revert_import, reverting, run_import, transactions
from importsvc.postgres.write_conflicts import ATTEMPTS
from people.services import NewOrganization
from tests.snapshots import take_snapshot

# Codes of PostgreSQL (its manual, appendix A), and what Django makes of them.
RETRIED = [("23505", IntegrityError), ("23503", IntegrityError), ("40P01", OperationalError)]
NOT_RETRIED = [
    ("23502", IntegrityError),  # not null: our mistake, and the same again next time
    ("23514", IntegrityError),  # check
    ("57P01", OperationalError),  # the server goes down
    (None, OperationalError),  # it is not there
    (None, ValueError),
]


class PostgreSQLError(psycopg2.Error):
    """What psycopg2 raises, with a code of our own."""

    def __init__(self, code: str | None) -> None:
        super().__init__("no")
        self.code = code

    @property
    def pgcode(self) -> str | None:
        """The code that PostgreSQL gave."""
        return self.code


class Failing:
    """A function that fails the first times it is called; ``calls`` counts them all."""

    def __init__(self, function: Callable[..., Any], *, times: int, error: type[Exception], code: str | None) -> None:
        self.function, self.times, self.error, self.code = function, times, error, code
        self.calls = 0

    def __get__(self, instance: Any, owner: type) -> Callable[..., Any]:
        """The function in the place of a method."""
        return partial(self, instance)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """The function, or the error once it has done its work."""
        outcome = self.function(*arguments, **named)
        self.calls += 1
        if self.calls <= self.times:
            raise self.error("no") from PostgreSQLError(self.code)
        return outcome


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    return create_import(
        organization=acme.organization, creator=acme.person, import_data={"person": [{"first_name": "Ann"}]}
    )


def run(import_: Import) -> Import:
    return run_import(organization=import_.organization, import_id=import_.pk)


def revert(import_: Import) -> Import:
    return revert_import(organization=import_.organization, import_id=import_.pk).import_


def spoil(monkeypatch: pytest.MonkeyPatch, name: str, times: int, error: type[Exception], code: str | None) -> Failing:
    owner: Any = {"write": RecordWriter, "undo": reverting}[name]
    failing = Failing(getattr(owner, name), times=times, error=error, code=code)
    monkeypatch.setattr(owner, name, failing)
    return failing


@pytest.mark.parametrize(("code", "error"), RETRIED)
@pytest.mark.parametrize("times", [1, ATTEMPTS - 1])
def test_what_others_caused_is_tried_again(
    import_: Import, monkeypatch: pytest.MonkeyPatch, times: int, code: str, error: type[DatabaseError]
) -> None:
    writes = spoil(monkeypatch, "write", times, error, code)
    undos = spoil(monkeypatch, "undo", times, error, code)

    assert run(import_).state == ImportState.PROCESSED
    assert import_.changes.count() == 1
    assert revert(import_).state == ImportState.REVERTED
    assert (writes.calls, undos.calls) == (times + 1, times + 1)


@pytest.mark.parametrize(("code", "error"), RETRIED)
def test_after_a_few_times_it_is_a_conflict_and_nothing_has_changed(
    import_: Import, monkeypatch: pytest.MonkeyPatch, code: str, error: type[DatabaseError]
) -> None:
    before = take_snapshot()
    with monkeypatch.context() as patched:
        writes = spoil(patched, "write", ATTEMPTS, error, code)
        with pytest.raises(Conflict, match="Others are writing the same records at this moment"):
            run(import_)
    assert writes.calls == ATTEMPTS
    assert take_snapshot() == before

    run(import_)
    before = take_snapshot()
    with monkeypatch.context() as patched:
        undos = spoil(patched, "undo", ATTEMPTS, error, code)
        with pytest.raises(Conflict, match="Others are writing the same records at this moment"):
            revert(import_)
    assert undos.calls == ATTEMPTS
    assert take_snapshot() == before
    revert(import_)


@pytest.mark.parametrize(("code", "error"), NOT_RETRIED)
def test_what_trying_again_would_not_help_is_not_tried_again(
    import_: Import, monkeypatch: pytest.MonkeyPatch, code: str | None, error: type[Exception]
) -> None:
    before = take_snapshot()
    writes = spoil(monkeypatch, "write", 1, error, code)

    with pytest.raises(error):
        run(import_)

    assert writes.calls == 1
    assert take_snapshot() == before


def test_a_deferred_constraint_is_violated_where_it_is_tried_again(acme: NewOrganization) -> None:
    """Also where the work is part of a transaction, at whose commit nothing is tried again."""
    attempts: list[int] = []
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE notes (person bigint REFERENCES people_person DEFERRABLE INITIALLY DEFERRED)")

        def write_a_note_without_a_person() -> None:
            attempts.append(len(attempts))
            if len(attempts) == 1:
                cursor.execute("INSERT INTO notes VALUES (0)")

        with transaction.atomic():
            transactions.attempt(write_a_note_without_a_person)
        cursor.execute("SELECT count(*) FROM notes")
        (notes,) = cursor.fetchone()

    assert attempts == [0, 1]
    assert notes == 0
