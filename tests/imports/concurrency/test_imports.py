"""Of two concurrent requests, one succeeds and the other is refused with a reason; nothing is done in part."""

from __future__ import annotations

import json
import threading
from collections import Counter
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, transaction

from companies.models import Company
from importsvc.engine.apply import write as write_module
from importsvc.engine.apply.write import RecordWriter
from importsvc.errors import PreconditionFailed
from importsvc.imports.errors import ImportInUse, RowsInvalid, WrongState
from importsvc.imports.models import Import, ImportState
from importsvc.imports.selectors import IMPORT_VERSION
from importsvc.imports.services import creating, update_import
from importsvc.postgres import copy as copying
from importsvc.postgres.transaction_limits import wait_for_locks
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_organization, make_person
from tests.imports.steps import run, stage
from tests.interleaving import PATIENCE_SECONDS, Gate, ask, threads
from tests.snapshots import take_snapshot
from tests.staged import read_staged

pytestmark = pytest.mark.django_db(transaction=True)

IN_USE = "The import is being updated, run or reverted at this moment"

COMPANIES = {"company": [{"name": "Reds"}]}
PEOPLE = {"person": [{"first_name": "Ann", "email": "ann@acme.test"}, {"first_name": "Bob"}]}
BOTH = {**COMPANIES, "person": [{"first_name": "Ann", "email": "ann@acme.test", "company": "Reds"}]}


def state_of(import_: Import) -> ImportState:
    return Import.objects.get(pk=import_.pk).state


def counts() -> tuple[int, int, int]:
    """The numbers of companies, people and changes, without the records of a new organization."""
    return Company.objects.count() - 1, Person.objects.count() - 1, ask("SELECT count(*) FROM changelog_anychange")


def taken(type_name: str, column: str) -> dict[str, Any]:
    label = column.capitalize()
    return {type_name: [{"row": 1, "column": column, "messages": [f"{label} has already been taken"]}]}


@pytest.mark.parametrize("after", [False, True])
def test_an_import_that_is_run_twice_at_once_is_run_once(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    import_ = stage(acme, BOTH)
    gate = Gate(monkeypatch, RecordWriter, "write", after=after)

    with threads() as background:
        first = background.start(lambda: run(import_))
        gate.wait()
        second = background.start(lambda: run(import_)).result(PATIENCE_SECONDS)
        waiting = background.start_blocked(lambda: run_patiently(import_))
        gate.open()

    assert first.result().state == ImportState.PROCESSED
    assert isinstance(second, ImportInUse)
    assert str(second) == IN_USE
    assert isinstance(waiting.result(), WrongState)
    assert str(waiting.result()) == "The import is in state 'processed' and cannot be imported"
    assert counts() == (1, 1, 2)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("first_rows", "second_rows", "detail"),
    [
        (PEOPLE, {"person": [{"first_name": "Zoe", "email": "ANN@acme.test"}]}, taken("person", "email")),
        (COMPANIES, {"company": [{"name": "REDS"}, {"name": "Blues"}]}, taken("company", "name")),
    ],
)
def test_two_imports_of_one_value_run_one_after_the_other_and_the_second_is_refused_as_a_whole(
    acme: NewOrganization,
    monkeypatch: pytest.MonkeyPatch,
    after: bool,
    first_rows: Any,
    second_rows: Any,
    detail: dict[str, Any],
) -> None:
    one, other = stage(acme, first_rows), stage(acme, second_rows)
    gate = Gate(monkeypatch, RecordWriter, "write", after=after)

    with threads() as background:
        first = background.start(lambda: run(one))
        gate.wait()
        second = background.start_blocked(lambda: run(other))
        gate.open()

    assert first.result().state == ImportState.PROCESSED
    assert isinstance(second.result(), RowsInvalid)
    assert second.result().detail == detail
    assert state_of(other) == ImportState.CREATED
    written = len(next(iter(first_rows.values())))
    assert sum(counts()) == 2 * written


def test_imports_of_two_organizations_do_not_wait_for_each_other(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    globex = make_organization(name="Globex")
    one, other = stage(acme, BOTH), stage(globex, BOTH)
    gate = Gate(monkeypatch, RecordWriter, "write", after=True)

    with threads() as background:
        first = background.start(lambda: run(one))
        gate.wait()
        assert run(other).state == ImportState.PROCESSED
        gate.open()

    assert first.result().state == ImportState.PROCESSED


def run_patiently(import_: Import) -> Import:
    """As a command does."""
    with wait_for_locks(PATIENCE_SECONDS):
        return run(import_)


def race(start: threading.Barrier, import_: Import) -> Import:
    start.wait()
    return run(import_)


def test_one_of_many_concurrent_requests_succeeds(acme: NewOrganization) -> None:
    for number in range(3):
        same = stage(acme, {"person": [{"first_name": "Ann", "email": f"ann{number}@acme.test"}]})
        rivals = [stage(acme, {"person": [{"first_name": "Zoe", "email": f"ANN{number}@acme.test"}]}) for _ in "12"]
        start = threading.Barrier(4)

        with threads() as background:
            futures = [background.start(partial(race, start, import_)) for import_ in (same, same, *rivals)]
        outcomes = Counter(type(future.result()) for future in futures)

        assert outcomes[Import] == 1
        assert outcomes[RowsInvalid] + outcomes[WrongState] + outcomes[ImportInUse] == 3
        assert Person.objects.filter(email__iexact=f"ann{number}@acme.test").count() == 1


def test_a_concurrent_insert_without_locks_is_reported_row_by_row(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = stage(acme, PEOPLE)
    gate = Gate(monkeypatch, RecordWriter, "write")

    with threads() as background:
        running = background.start(lambda: run(import_))
        gate.wait()
        make_person(organization=acme.organization, email="Ann@Acme.test")
        gate.open()

    assert isinstance(running.result(), RowsInvalid)
    assert running.result().detail == taken("person", "email")
    assert state_of(import_) == ImportState.CREATED
    assert counts() == (0, 1, 0)


@pytest.mark.parametrize("committed", [True, False])
def test_an_uncommitted_insert_of_the_same_address_is_waited_for(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    import_ = stage(acme, PEOPLE)

    with threads() as background, transaction.atomic():
        make_person(organization=acme.organization, email="Ann@Acme.test")
        running = background.start_blocked(lambda: run(import_))
        transaction.set_rollback(not committed)
        # The end of the transaction releases the lock.
    outcome = running.result()

    assert isinstance(outcome, RowsInvalid) if committed else outcome.state == ImportState.PROCESSED
    assert counts() == ((0, 1, 0) if committed else (0, 2, 2))


def test_a_concurrent_delete_of_a_referenced_company_is_reported_row_by_row(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = make_company(organization=acme.organization, name="Reds")
    import_ = stage(acme, {"person": [{"first_name": "Ann", "company": "Reds"}]})
    gate = Gate(monkeypatch, RecordWriter, "write")

    with threads() as background:
        running = background.start(lambda: run(import_))
        gate.wait()
        company.delete()
        gate.open()

    assert isinstance(running.result(), RowsInvalid)
    assert running.result().detail == {"person": [{"row": 1, "column": "company", "messages": ["Company must exist"]}]}
    assert counts() == (0, 0, 0)


def test_an_import_that_is_being_run_cannot_be_updated(acme: NewOrganization, monkeypatch: pytest.MonkeyPatch) -> None:
    import_ = stage(acme, COMPANIES)
    gate = Gate(monkeypatch, RecordWriter, "write")

    with threads() as background:
        background.start(lambda: run(import_))
        gate.wait()
        updating = background.start(
            lambda: update_import(
                organization=acme.organization, import_id=import_.pk, import_data=PEOPLE, attributes={}
            )
        ).result(PATIENCE_SECONDS)
        gate.open()

    assert isinstance(updating, ImportInUse)
    assert str(updating) == IN_USE
    assert counts() == (1, 0, 1)


def test_of_two_updates_with_the_same_version_one_is_done(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = stage(acme, COMPANIES)
    version = Import.objects.values_list(IMPORT_VERSION).get()[0]
    gate = Gate(monkeypatch, creating, "store_rows")

    def update(rows: Any) -> Import:
        with wait_for_locks(PATIENCE_SECONDS):
            return update_import(
                organization=acme.organization,
                import_id=import_.pk,
                import_data=rows,
                attributes={},
                if_match=[version],
            )

    with threads() as background:
        first = background.start(lambda: update(BOTH))
        gate.wait()
        second = background.start_blocked(lambda: update(PEOPLE))
        gate.open()

    assert first.result().pk == import_.pk
    assert isinstance(second.result(), PreconditionFailed)
    assert json.loads(read_staged(import_)) == BOTH


@pytest.mark.parametrize("table", ["people_person", "changelog_createdchunk"])
def test_a_run_that_fails_in_the_middle_changes_nothing_and_can_be_repeated(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    import_ = stage(acme, BOTH)
    before = take_snapshot()

    def fail_at(name: str, *arguments: Any, **options: Any) -> None:
        copying.copy_rows(name, *arguments, **options)
        if name == table:
            raise RuntimeError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(write_module, "copy_rows", fail_at)
        with pytest.raises(RuntimeError):
            run(import_)

    assert take_snapshot() == before
    assert run(import_).state == ImportState.PROCESSED
    assert counts() == (1, 1, 2)


def test_a_connection_lost_in_the_middle_of_a_run_changes_nothing(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_ = stage(acme, BOTH)
    before = take_snapshot()
    gate = Gate(monkeypatch, write_module, "copy_rows", after=True)

    with threads() as background:
        running = background.start(lambda: run(import_))
        gate.wait()
        assert ask("SELECT pg_terminate_backend(%s)", gate.backend_id)
        gate.open()

    assert isinstance(running.result(), OperationalError)
    assert take_snapshot() == before
    assert run(import_).state == ImportState.PROCESSED
    assert counts() == (1, 1, 2)
