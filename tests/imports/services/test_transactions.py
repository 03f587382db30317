"""A transaction that fails because of concurrent writes is repeated a few times, and then refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from importsvc.engine.apply.write import RecordWriter
from importsvc.errors import Conflict
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import create_import, reverting, transactions
from importsvc.postgres.write_conflicts import ATTEMPTS
from people.services import NewOrganization
from tests.faults import PostgreSQLError
from tests.imports.steps import revert, run
from tests.snapshots import take_snapshot

# Codes of PostgreSQL (its manual, appendix A), and what Django makes of them.
RETRIED = [(code, IntegrityError) for code in ("23505", "23503", "23001")] + [("40P01", OperationalError)]
NOT_RETRIED = [
    ("23502", IntegrityError),  # not null: an error in the code, which a retry would repeat
    ("23514", IntegrityError),  # check
    ("57P01", OperationalError),  # the server shuts down
    (None, OperationalError),  # the server cannot be reached
    (None, ValueError),
]


class Failing:
    """A function that fails the first ``times`` times; ``calls`` counts its calls."""

    def __init__(self, function: Callable[..., Any], *, times: int, error: type[Exception], code: str | None) -> None:
        self.function, self.times, self.error, self.code = function, times, error, code
        self.calls = 0

    def __get__(self, instance: Any, owner: type) -> Callable[..., Any]:
        """The function as a method."""
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


def spoil(monkeypatch: pytest.MonkeyPatch, name: str, times: int, error: type[Exception], code: str | None) -> Failing:
    owner: Any = {"write": RecordWriter, "undo": reverting}[name]
    failing = Failing(getattr(owner, name), times=times, error=error, code=code)
    monkeypatch.setattr(owner, name, failing)
    return failing


@pytest.mark.parametrize(("code", "error"), RETRIED)
@pytest.mark.parametrize("times", [1, ATTEMPTS - 1])
def test_write_conflicts_are_retried(
    import_: Import, monkeypatch: pytest.MonkeyPatch, times: int, code: str, error: type[DatabaseError]
) -> None:
    writes = spoil(monkeypatch, "write", times, error, code)
    undos = spoil(monkeypatch, "undo", times, error, code)

    assert run(import_).state == ImportState.PROCESSED
    assert import_.changes.count() == 1
    revert(import_)
    import_.refresh_from_db()
    assert import_.state == ImportState.REVERTED
    assert (writes.calls, undos.calls) == (times + 1, times + 1)


@pytest.mark.parametrize(("code", "error"), RETRIED)
def test_a_lasting_write_conflict_is_refused_and_nothing_has_changed(
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
def test_other_database_errors_are_not_retried(
    import_: Import, monkeypatch: pytest.MonkeyPatch, code: str | None, error: type[Exception]
) -> None:
    before = take_snapshot()
    writes = spoil(monkeypatch, "write", 1, error, code)

    with pytest.raises(error):
        run(import_)

    assert writes.calls == 1
    assert take_snapshot() == before


@pytest.mark.one_server("a table that is not distributed cannot refer to one that is")
def test_deferred_constraints_are_checked_where_the_work_can_be_retried(acme: NewOrganization) -> None:
    """Also inside an outer transaction, whose commit is not retried."""
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
