"""``manage.py work`` in processes of its own: stopped, killed, cancelled, cut off."""

from __future__ import annotations

import time
from functools import partial

import pytest
from django.db import transaction

from companies.models import Company
from importsvc.imports import services
from importsvc.imports.models import Import, ImportState
from importsvc.operations.errors import WorkerLost
from importsvc.operations.models import Kind, Operation, Status
from importsvc.operations.services import cancel_operation
from importsvc.operations.work import claim_next, run_next
from importsvc.operations.worker import count_workers
from people.models import Person
from people.services import NewOrganization
from tests.command_line import manage
from tests.interleaving import ask
from tests.operations.queueing import create, queue, read_progress
from tests.operations.workers import (
    PATIENCE_SECONDS,
    PEOPLE,
    holding,
    is_running,
    wait_for_status,
    wait_until,
    wait_until_blocked,
    work,
)

pytestmark = pytest.mark.django_db(transaction=True)

TERMINATE = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
OF_ORGANIZATION = "SELECT 1 FROM organizations_organization WHERE id = %s FOR NO KEY UPDATE"


def assert_nothing_written() -> None:
    """Nothing of the import of ``queueing.ROWS`` is left."""
    assert [import_.state for import_ in Import.objects.all()] == [ImportState.CREATED]
    assert not Company.objects.filter(name="Import").exists()
    assert not Person.objects.filter(email="john@mail.com").exists()


def assert_written_once() -> None:
    """The import of ``queueing.ROWS`` was run, once."""
    assert [import_.state for import_ in Import.objects.all()] == [ImportState.PROCESSED]
    assert Company.objects.filter(name="Import").count() == 1
    assert Person.objects.filter(email="john@mail.com").count() == 1


def has_attempts(operation: Operation, count: int) -> bool:
    return read_progress(operation).attempts == count


def queue_import(tenant: NewOrganization) -> Operation:
    return queue(tenant, Kind.IMPORT, create(tenant))


def test_it_does_what_was_queued_before_and_what_is_queued_later_and_ends_with_sigterm(acme: NewOrganization) -> None:
    first = queue_import(acme)
    with work() as worker:
        wait_for_status(first, Status.SUCCEEDED)
        second = queue(acme, Kind.REVERT, Import.objects.get())
        wait_for_status(second, Status.SUCCEEDED)
        started = time.monotonic()

        assert worker.stop() == 0
        assert time.monotonic() - started < 5
        assert worker.output == ""


def test_an_operation_that_finishes_within_the_grace_is_done(acme: NewOrganization) -> None:
    operation = queue_import(acme)
    with work("--grace", 20) as worker:
        with holding(PEOPLE):
            wait_until_blocked()
            worker.process.terminate()
            time.sleep(0.5)
        assert worker.process.wait(PATIENCE_SECONDS) == 0

    wait_for_status(operation, Status.SUCCEEDED)
    assert_written_once()


@pytest.mark.parametrize("kind", [Kind.IMPORT, Kind.REVERT])
def test_an_operation_that_exceeds_the_grace_is_rolled_back_and_queued_again(acme: NewOrganization, kind: Kind) -> None:
    import_ = create(acme)
    if kind == Kind.REVERT:
        services.run_import(organization=acme.organization, import_id=import_.pk)
    operation = queue(acme, kind, import_)
    with work("--grace", 0) as worker, holding(PEOPLE):
        wait_until_blocked()
        assert worker.stop() == 0

    operation.refresh_from_db()
    assert (operation.status, read_progress(operation).attempts) == (Status.QUEUED, 0)
    assert f"Operation {operation.pk} is rolled back and queued again: the worker stops" in worker.output
    assert_nothing_written() if kind == Kind.IMPORT else assert_written_once()
    assert run_next() is True
    assert read_progress(operation).attempts == 1


def test_a_second_signal_ends_the_grace(acme: NewOrganization) -> None:
    operation = queue_import(acme)
    with work("--grace", 60) as worker, holding(PEOPLE):
        wait_until_blocked()
        worker.process.terminate()
        time.sleep(1.1)
        assert worker.stop() == 0

    operation.refresh_from_db()
    assert operation.status == Status.QUEUED
    assert_nothing_written()


def test_a_worker_that_is_killed_leaves_nothing_and_the_next_one_does_the_operation_once(acme: NewOrganization) -> None:
    operation = queue_import(acme)
    with work() as worker:
        with holding(PEOPLE):
            wait_until_blocked()
            worker.kill_child()
            wait_until(lambda: read_progress(operation).attempts == 2)
            assert_nothing_written()
        wait_for_status(operation, Status.SUCCEEDED)
        assert worker.stop() == 0

    assert_written_once()
    assert read_progress(operation).attempts == 2


def test_postgresql_notices_within_two_seconds_that_a_worker_was_killed_in_a_statement(acme: NewOrganization) -> None:
    operation = queue_import(acme)

    def claim() -> Operation | None:
        with transaction.atomic():
            return claim_next()

    with work() as worker, holding(PEOPLE):
        wait_until_blocked()
        assert claim() is None
        worker.kill_all()

        assert wait_until(lambda: claim() == operation) < 2


def test_an_operation_whose_worker_is_killed_three_times_fails(acme: NewOrganization) -> None:
    operation = queue_import(acme)
    with work() as worker:
        with holding(PEOPLE):
            for attempt in range(1, 4):
                wait_until(partial(has_attempts, operation, attempt))
                wait_until_blocked()
                worker.kill_child()
            wait_for_status(operation, Status.FAILED)
        assert worker.stop() == 0

    assert [error["code"] for error in operation.errors] == [WorkerLost.code]
    assert read_progress(operation).attempts == 3
    assert_nothing_written()


@pytest.mark.parametrize("kind", [Kind.IMPORT, Kind.REVERT])
def test_cancelling_ends_the_running_statement_within_a_second(acme: NewOrganization, kind: Kind) -> None:
    import_ = create(acme)
    if kind == Kind.REVERT:
        services.run_import(organization=acme.organization, import_id=import_.pk)
    operation = queue(acme, kind, import_)
    with work() as worker, holding(PEOPLE):
        wait_until_blocked()
        started = time.monotonic()
        cancelled = cancel_operation(organization=acme.organization, operation_id=operation.pk)
        assert time.monotonic() - started < 1
        assert worker.stop() == 0
        assert worker.output == ""

    assert cancelled.status == Status.CANCELLED
    assert (read_progress(operation).attempts, read_progress(operation).backend_pid) == (1, None)
    assert_nothing_written() if kind == Kind.IMPORT else assert_written_once()


def test_a_worker_whose_connections_are_cut_does_the_operation_in_another_attempt(acme: NewOrganization) -> None:
    operation = queue_import(acme)
    with work() as worker:
        with holding(PEOPLE):
            wait_until_blocked()
            ask(TERMINATE + " AND wait_event_type = 'Lock'")
            wait_until(lambda: read_progress(operation).attempts == 2)
        wait_for_status(operation, Status.SUCCEEDED)
        (child,) = worker.find_children()
        assert ask(TERMINATE) >= 2
        again = queue(acme, Kind.REVERT, Import.objects.get())
        wait_for_status(again, Status.SUCCEEDED)
        assert worker.find_children() == [child]
        assert worker.stop() == 0

    assert "The worker cannot use the database: " in worker.output
    assert read_progress(operation).attempts == 2


def test_two_workers_serve_two_organizations_at_once_and_one_organization_in_turn(
    acme: NewOrganization, globex: NewOrganization
) -> None:
    with holding(OF_ORGANIZATION, acme.organization.pk):
        first = queue_import(acme)
        second = queue(acme, Kind.REVERT, Import.objects.get())
        with work("--concurrency", 2) as worker:
            wait_until_blocked()
            for _ in range(3):
                wait_for_status(queue_import(globex), Status.SUCCEEDED)
                wait_for_status(queue(globex, Kind.REVERT, Import.objects.latest("pk")), Status.SUCCEEDED)
            assert read_progress(second).attempts == 0
            assert worker.stop() == 0
    first.refresh_from_db()
    assert first.status == Status.QUEUED


def test_workers_stop_when_their_parent_is_killed(acme: NewOrganization) -> None:
    with work("--concurrency", 2) as worker:
        wait_until(lambda: len(worker.find_children()) == 2)
        children = [child.pid for child in worker.find_children()]
        worker.process.kill()
        wait_until(lambda: not any(map(is_running, children)))


def test_check_says_whether_workers_of_this_host_are_connected(acme: NewOrganization) -> None:
    outcome = manage("work", "--check")
    assert (outcome.code, outcome.err) == (1, "CommandError: No worker of this host is connected to the database.\n")
    with work("--concurrency", 2) as worker:
        wait_until(lambda: count_workers("another-host") == 0 and ask(CONNECTED) == 2)
        outcome = manage("work", "--check")
        assert (outcome.code, outcome.out) == (0, "2 workers connected.\n")
        worker.stop()
    assert manage("work", "--check").code == 1


CONNECTED = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name LIKE 'importsvc worker %%'"
)


@pytest.mark.parametrize("options", [("--concurrency", 0), ("--grace", -1)])
def test_options_out_of_range_are_wrong_usage(options: tuple[object, ...], acme: NewOrganization) -> None:
    outcome = manage("work", *options)

    assert outcome.code == 2
    assert outcome.err == "CommandError: --concurrency must be at least 1, and --grace at least 0.\n"
