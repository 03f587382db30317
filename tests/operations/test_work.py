"""A worker does each queued operation once, in one transaction with its claim."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest

from companies.models import Company
from importsvc.changelog.models import Change
from importsvc.errors import Busy
from importsvc.imports.models import Import, ImportState, QueuedChunk
from importsvc.imports.services import queueing
from importsvc.operations.models import Kind, Operation, Status
from importsvc.operations.work import run_next
from people.models import Person
from people.services import NewOrganization
from tests.operations.queueing import create, queue, read_progress

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_import_is_run_by_the_worker(acme: NewOrganization) -> None:
    import_ = create(acme)
    operation = queue(acme, Kind.IMPORT, import_)

    assert run_next() is True
    assert run_next() is False

    operation.refresh_from_db()
    assert (operation.status, operation.errors, operation.import_record_id) == (Status.SUCCEEDED, [], import_.pk)
    assert Import.objects.get().state == ImportState.PROCESSED
    assert Import.objects.get().processed_by == {"kind": "person", "name": "Ada Lovelace", "id": acme.person.pk}
    assert Person.objects.filter(email="john@mail.com").count() == 1
    progress = read_progress(operation)
    assert (progress.attempts, progress.done, progress.total, progress.backend_pid) == (1, 2, 2, None)


def test_rows_of_a_queued_create_are_staged_as_they_came_and_then_deleted(acme: NewOrganization) -> None:
    text = r'{"company": [{"name": "\ud83d\ude00 1.50", "x": 1.50}]}'
    operation = queue(acme, Kind.CREATE, import_data=text.replace(', "x": 1.50', ""), arguments={"sample": True})

    assert run_next() is True

    operation.refresh_from_db()
    import_ = Import.objects.get()
    assert (operation.status, operation.import_record_id) == (Status.SUCCEEDED, import_.pk)
    assert import_.sample is True
    assert import_.staged_chunks.get().rows == r'[{"name": "\ud83d\ude00 1.50"}]'
    assert not QueuedChunk.objects.exists()


def test_rows_that_cannot_be_stored_as_json_are_errors_of_the_rows(acme: NewOrganization) -> None:
    operation = queue(acme, Kind.CREATE, import_data='{"company": [{"name": "\\u0000"}, {"name": "\\ud800"}]}')

    run_next()

    operation.refresh_from_db()
    assert operation.status == Status.FAILED
    assert [error["code"] for error in operation.errors] == ["invalid_attribute"]
    assert {entry["row"] for entry in operation.errors[0]["detail"]["company"]} == {1, 2}
    assert not Import.objects.exists()


def test_a_refused_operation_has_the_errors_of_the_service_and_changes_nothing(acme: NewOrganization) -> None:
    import_ = create(acme)
    operation = queue(acme, Kind.REVERT, import_)

    run_next()

    operation.refresh_from_db()
    assert operation.status == Status.FAILED
    assert operation.errors == [
        {
            "code": "conflict",
            "detail": "The import is in state 'created' and cannot be reverted",
            "attribute": None,
            "meta": None,
        }
    ]


def test_the_operations_of_an_organization_are_done_in_their_order(acme: NewOrganization) -> None:
    import_ = create(acme)
    queued = [queue(acme, Kind.IMPORT, import_), queue(acme, Kind.REVERT, import_)]

    while run_next():
        pass

    assert [each.status for each in Operation.objects.order_by("pk")] == [Status.SUCCEEDED, Status.SUCCEEDED]
    assert [operation.pk for operation in Operation.objects.order_by("finished_at")] == [each.pk for each in queued]
    assert [(read_progress(each).done, read_progress(each).total) for each in queued] == [(2, 2), (2, 2)]
    assert Import.objects.get().state == ImportState.REVERTED
    assert not Company.objects.filter(name="Import").exists()
    assert Change.objects.count() == 2


def test_an_operation_that_meets_a_lock_stays_queued_for_later(
    acme: NewOrganization, globex: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = queue(acme, Kind.IMPORT, create(acme))
    other = queue(globex, Kind.IMPORT, create(globex))

    def meet_lock(*_: Any, **__: Any) -> NoReturn:
        raise Busy("Others are writing the same records at this moment")

    with monkeypatch.context() as patched:
        patched.setattr(queueing, "run_import", meet_lock)
        assert run_next() is True

    operation.refresh_from_db()
    assert (operation.status, read_progress(operation).attempts) == (Status.QUEUED, 0)
    assert [run_next(), run_next()] == [True, False]
    other.refresh_from_db()
    assert other.status == Status.SUCCEEDED
    Operation.objects.update(due_at=operation.queued_at)
    assert run_next() is True
    operation.refresh_from_db()
    assert operation.status == Status.SUCCEEDED


def test_an_operation_that_fails_unexpectedly_is_tried_three_times_and_then_fails(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = queue(acme, Kind.IMPORT, create(acme))

    def break_down(*_: Any, **__: Any) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(queueing, "run_import", break_down)
    for _ in range(3):
        Operation.objects.update(due_at=operation.queued_at)
        assert run_next() is True

    operation.refresh_from_db()
    assert (operation.status, read_progress(operation).attempts) == (Status.FAILED, 3)
    assert operation.errors == [
        {"code": "server_error", "detail": "Something went wrong on our side", "attribute": None, "meta": None}
    ]
    assert run_next() is False
