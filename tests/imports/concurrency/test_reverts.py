"""A revert during concurrent writes: a committed write is a conflict, a later one is refused, and none is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from companies.models import Company
from importsvc.engine.revert import conflicts as conflicts_module
from importsvc.engine.revert import revert as undo_module
from importsvc.engine.revert.changes import Changes
from importsvc.engine.revert.delete import remove_records
from importsvc.imports.errors import ImportInUse, RevertConflict
from importsvc.imports.models import Import
from importsvc.imports.services import create_import, run_import
from importsvc.imports.services import reverting as service
from people.models import ApiToken, Person
from people.services import NewOrganization, create_token
from tests.builders import make_import, make_person
from tests.imports.steps import revert
from tests.interleaving import PATIENCE_SECONDS, Gate, threads
from tests.snapshots import take_snapshot

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = {"company": [{"name": "Reds"}], "person": [{"first_name": "Ann"}]}


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    """An import that created the company Reds and the contact Ann, without a company."""
    made = create_import(organization=acme.organization, creator=acme.person, import_data=ROWS)
    return run_import(organization=acme.organization, import_id=made.pk)


def reds() -> Company:
    return Company.objects.get(name="Reds")


def ann() -> Person:
    return Person.objects.get(first_name="Ann")


def edit_the_company(caller: NewOrganization) -> None:
    Company.objects.filter(name="Reds").update(description="Ours")


def edit_the_person_by_sql(caller: NewOrganization) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE people_person SET title = 'Dr' WHERE first_name = 'Ann'")


def join_the_company(caller: NewOrganization) -> None:
    make_person(organization=caller.organization, first_name="Zoe", company=reds())


def import_as_the_person(caller: NewOrganization) -> None:
    make_import(creator=ann())


def give_the_person_a_token(caller: NewOrganization) -> None:
    create_token(person=ann())


WRITES: list[Callable[[NewOrganization], None]] = [
    edit_the_company,
    edit_the_person_by_sql,
    join_the_company,
    import_as_the_person,
    give_the_person_a_token,
]


@pytest.mark.parametrize("write", WRITES)
def test_a_write_that_is_not_committed_yet_is_waited_for_and_is_a_conflict(
    acme: NewOrganization, import_: Import, write: Callable[[NewOrganization], None]
) -> None:
    with threads() as background, transaction.atomic():
        write(acme)
        reverting = background.start_blocked(lambda: revert(import_))
    # The transaction ends before the threads do.

    outcome: Any = reverting.result()
    assert isinstance(outcome, RevertConflict)
    assert outcome.meta is not None
    assert outcome.meta["conflict_count"] == 1
    assert (reds().name, ann().first_name) == ("Reds", "Ann")


@pytest.mark.parametrize("write", WRITES)
def test_a_write_that_is_rolled_back_is_waited_for_and_is_no_conflict(
    acme: NewOrganization, import_: Import, write: Callable[[NewOrganization], None]
) -> None:
    with threads() as background, transaction.atomic():
        write(acme)
        reverting = background.start_blocked(lambda: revert(import_))
        transaction.set_rollback(True)

    assert reverting.result().removed == {"company": 1, "person": 1}
    assert (Company.objects.count(), Person.objects.count()) == (1, 1)


@pytest.mark.parametrize("write", [edit_the_company, edit_the_person_by_sql])
def test_an_edit_that_waits_for_the_revert_finds_no_record(
    acme: NewOrganization,
    import_: Import,
    monkeypatch: pytest.MonkeyPatch,
    write: Callable[[NewOrganization], None],
) -> None:
    gate = Gate(monkeypatch, undo_module, "remove_records")

    with threads() as background:
        reverting = background.start(lambda: revert(import_))
        gate.wait()
        writing = background.start_blocked(lambda: write(acme))
        gate.open()

    assert reverting.result().removed == {"company": 1, "person": 1}
    assert writing.result() is None
    assert (Company.objects.count(), Person.objects.count()) == (1, 1)


@pytest.mark.parametrize("refer", [join_the_company, import_as_the_person, give_the_person_a_token])
@pytest.mark.parametrize(("module", "step"), [(conflicts_module, "find_foreign_keys"), (undo_module, "remove_records")])
def test_a_reference_that_waits_for_the_revert_is_refused_by_the_database(
    acme: NewOrganization,
    import_: Import,
    monkeypatch: pytest.MonkeyPatch,
    refer: Callable[[NewOrganization], Any],
    module: Any,
    step: str,
) -> None:
    gate = Gate(monkeypatch, module, step)

    with threads() as background:
        reverting = background.start(lambda: revert(import_))
        gate.wait()
        referring = background.start_blocked(lambda: refer(acme))
        gate.open()

    assert reverting.result().removed == {"company": 1, "person": 1}
    assert isinstance(referring.result(), IntegrityError)
    assert (Company.objects.count(), Person.objects.count()) == (1, 1)


@pytest.mark.parametrize("refer", [import_as_the_person, give_the_person_a_token])
def test_a_reference_to_an_author_that_a_revert_removes_is_a_conflict(
    acme: NewOrganization,
    import_: Import,
    monkeypatch: pytest.MonkeyPatch,
    refer: Callable[[NewOrganization], Any],
) -> None:
    create_token(person=ann())
    ApiToken.objects.filter(organization=acme.organization, person=ann()).delete()
    gate = Gate(monkeypatch, undo_module, "remove_records")

    with threads() as background:
        reverting = background.start(lambda: revert(import_))
        gate.wait()
        # The person is locked, the author is not: the key of these rows does not wait.
        refer(acme)
        gate.open()

    assert isinstance(reverting.result(), RevertConflict)
    assert (Company.objects.count(), Person.objects.count()) == (2, 2)


@pytest.fixture
def notes(db: None) -> Iterator[str]:
    """A table outside the project with a foreign key to people that is checked at the end of the transaction."""
    execute("CREATE TABLE notes (person bigint REFERENCES people_person DEFERRABLE INITIALLY DEFERRED)")
    yield "notes"
    execute("DROP TABLE notes")


def execute(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


@pytest.mark.one_server("a table that is not distributed cannot refer to one that is")
def test_a_deferred_reference_is_refused_at_its_commit_if_the_revert_is_first(
    acme: NewOrganization, import_: Import, notes: str
) -> None:
    # Its check locks the person at the end of the transaction.
    with pytest.raises(IntegrityError), transaction.atomic():  # noqa: PT012
        execute(f"INSERT INTO {notes} VALUES (%s)", ann().pk)
        with threads() as background:
            reverting = background.start(lambda: revert(import_))

    assert reverting.result().removed == {"company": 1, "person": 1}


@pytest.mark.parametrize("after", [False, True])
def test_an_import_that_is_reverted_twice_at_once_is_reverted_once(
    acme: NewOrganization, import_: Import, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    gate = Gate(monkeypatch, service, "undo", after=after)

    with threads() as background:
        first = background.start(lambda: revert(import_))
        gate.wait()
        second = background.start(lambda: revert(import_)).result(PATIENCE_SECONDS)
        gate.open()

    assert first.result().removed == {"company": 1, "person": 1}
    assert isinstance(second, ImportInUse)
    assert str(second) == "The import is being updated, run or reverted at this moment"


def test_an_import_that_refers_to_a_company_waits_for_its_revert_and_is_refused(
    acme: NewOrganization, import_: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {"person": [{"first_name": "Zoe", "company": "reds"}]}
    other = create_import(organization=acme.organization, creator=acme.person, import_data=rows)
    gate = Gate(monkeypatch, service, "undo", after=True)

    with threads() as background:
        reverting = background.start(lambda: revert(import_))
        gate.wait()
        running = background.start_blocked(lambda: run_import(organization=acme.organization, import_id=other.pk))
        gate.open()

    assert reverting.result().removed["company"] == 1
    assert running.result().detail == {"person": [{"row": 1, "column": "company", "messages": ["Company must exist"]}]}


def test_a_revert_that_fails_in_the_middle_leaves_everything_as_it_was(
    acme: NewOrganization, import_: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = take_snapshot()

    def fail_at(changes: Changes, *_: Any) -> None:
        remove(changes)
        if changes.importable.name == "company":
            raise RuntimeError("the disk is full")

    with monkeypatch.context() as patched:
        remove = remove_records
        patched.setattr(undo_module, "remove_records", fail_at)
        with pytest.raises(RuntimeError):
            revert(import_)

    assert take_snapshot() == before
    assert revert(import_).removed == {"company": 1, "person": 1}
