"""Celery on a real RabbitMQ: the same work, woken by messages."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
from django.conf import settings as configured
from django.db import transaction
from pytest_django import Settings

from companies.models import Company
from importsvc.environment.variables import EXIT_CODE
from importsvc.imports.models import Import, ImportState
from importsvc.monitoring.health import find_lacking
from importsvc.operations.models import Kind, Operation, Status
from importsvc.operations.services import cancel_operation
from importsvc.operations.wake_up import count_listeners
from people.services import NewOrganization
from tests.command_line import get_environment
from tests.operations.queueing import create, queue, read_progress
from tests.operations.workers import (
    PATIENCE_SECONDS,
    PEOPLE,
    holding,
    wait_for_status,
    wait_until,
    wait_until_blocked,
)

pytestmark = pytest.mark.django_db(transaction=True)


class CeleryWorker:
    """``celery -A importsvc worker``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.output = ""

    def find_children(self) -> list[psutil.Process]:
        """The processes of the pool."""
        return list(psutil.Process(self.process.pid).children())

    def stop(self) -> int:
        """Send SIGTERM, and wait for the end; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        self.output, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode


@contextmanager
def celery(*options: object) -> Iterator[CeleryWorker]:
    """A worker with one process on the test's database and queue, that consumes when the block begins."""
    environment = {
        **get_environment(),
        "CELERY_BROKER_URL": str(configured.CELERY_BROKER_URL),
        "CELERY_QUEUE": str(configured.CELERY_QUEUE),
    }
    command = [sys.executable, "-m", "celery", "-A", "importsvc", "worker", "--concurrency", "1"]
    # RabbitMQ accepts one worker with a name, and test processes run at once.
    command += ["--hostname", f"{secrets.token_hex(4)}@%h", *map(str, options)]
    with subprocess.Popen(
        command, cwd=configured.BASE_DIR, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        worker = CeleryWorker(process)
        try:
            wait_until(lambda: process.poll() is not None or count_consumers() == 1)
            assert process.poll() is None, f"ended after printing: {process.communicate()[0]}"
            yield worker
        finally:
            if process.poll() is None:
                for each in [psutil.Process(process.pid), *worker.find_children()]:
                    each.kill()


def look_at_queue() -> tuple[int, int]:
    """The numbers of messages and of consumers of the test's queue."""
    from importsvc.celery import app

    with app.connection_for_write() as connection:
        found = connection.default_channel.queue_declare(configured.CELERY_QUEUE, passive=True)
        return found.message_count, found.consumer_count


def count_messages() -> int:
    return look_at_queue()[0]


def count_consumers() -> int:
    return look_at_queue()[1]


def queue_import(tenant: NewOrganization) -> Operation:
    return queue(tenant, Kind.IMPORT, create(tenant))


def assert_nothing_written() -> None:
    assert [import_.state for import_ in Import.objects.all()] == [ImportState.CREATED]
    assert not Company.objects.filter(name="Import").exists()


def assert_written_once() -> None:
    assert [import_.state for import_ in Import.objects.all()] == [ImportState.PROCESSED]
    assert Company.objects.filter(name="Import").count() == 1


@pytest.mark.usefixtures("celery_settings")
def test_a_message_is_sent_when_the_operation_is_committed_and_not_before(acme: NewOrganization) -> None:
    import_ = create(acme)
    with transaction.atomic():
        queue(acme, Kind.IMPORT, import_)
        assert count_messages() == 0
        transaction.set_rollback(True)
    assert count_messages() == 0

    operation = queue(acme, Kind.IMPORT, import_)

    wait_until(lambda: count_messages() == 1)
    with celery() as worker:
        wait_for_status(operation, Status.SUCCEEDED)
        wait_until(lambda: count_messages() == 0)
        assert worker.stop() == 0
        assert "WARNING" not in worker.output
    assert_written_once()


@pytest.mark.usefixtures("celery_settings")
def test_the_sweep_finds_an_operation_whose_message_was_lost(acme: NewOrganization, settings: Settings) -> None:
    with celery() as worker:
        settings.CELERY_BROKER_URL, broker = "", settings.CELERY_BROKER_URL
        operation = queue_import(acme)
        settings.CELERY_BROKER_URL = broker
        wait_for_status(operation, Status.SUCCEEDED)
        assert worker.stop() == 0


@pytest.mark.usefixtures("celery_settings")
@pytest.mark.parametrize("does_listen", [False, True])
def test_a_broker_that_does_not_answer_neither_fails_nor_delays_the_request(
    acme: NewOrganization, does_listen: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from importsvc.celery import app

    import_ = create(acme)
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        if does_listen:
            dead.listen()
        monkeypatch.setattr(app.conf, "broker_url", f"amqp://guest:guest@127.0.0.1:{dead.getsockname()[1]}//")
        started = time.monotonic()
        operation = queue(acme, Kind.IMPORT, import_)
        took = time.monotonic() - started

    assert took < 1.5
    assert Operation.objects.get() == operation
    (record,) = [record for record in caplog.records if record.name == "importsvc.operations"]
    assert record.getMessage().startswith("Workers were not woken, and will find the operation by themselves: ")


@pytest.mark.usefixtures("celery_settings")
def test_the_service_is_ready_while_a_worker_listens(acme: NewOrganization) -> None:
    assert (count_listeners(), find_lacking()) == (0, "worker")
    with celery() as worker:
        assert (count_listeners(), find_lacking()) == (1, None)
        assert worker.stop() == 0
    wait_until(lambda: count_listeners() == 0)
    assert find_lacking() == "worker"


@pytest.mark.usefixtures("celery_settings")
@pytest.mark.parametrize("does_listen", [False, True])
def test_a_broker_that_does_not_answer_is_one_without_workers(
    acme: NewOrganization, does_listen: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from importsvc.celery import app

    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        if does_listen:
            dead.listen()
        monkeypatch.setattr(app.conf, "broker_url", f"amqp://guest:guest@127.0.0.1:{dead.getsockname()[1]}//")
        assert find_lacking() == "worker"

    assert [message.partition(": ")[0] for message in caplog.messages] == ["Celery's workers cannot be counted"]


@pytest.mark.usefixtures("celery_settings")
def test_a_running_operation_may_finish_within_the_grace(acme: NewOrganization) -> None:
    operation = queue_import(acme)
    with celery("--grace", 20) as worker:
        with holding(PEOPLE):
            wait_until_blocked()
            worker.process.terminate()
            time.sleep(1)
        assert worker.stop() == 0

    wait_for_status(operation, Status.SUCCEEDED)
    assert_written_once()


@pytest.mark.usefixtures("celery_settings")
def test_a_running_operation_that_exceeds_the_grace_is_rolled_back_and_queued_again(acme: NewOrganization) -> None:
    operation = queue_import(acme)
    with celery("--grace", 0.5) as worker, holding(PEOPLE):
        wait_until_blocked()
        assert worker.stop() == 0

    operation.refresh_from_db()
    assert (operation.status, read_progress(operation).attempts) == (Status.QUEUED, 0)
    assert f"Operation {operation.pk} is rolled back and queued again: the worker stops" in worker.output
    assert_nothing_written()


@pytest.mark.usefixtures("celery_settings")
def test_a_process_that_is_killed_leaves_nothing_and_the_operation_is_done_once(acme: NewOrganization) -> None:
    operation = queue_import(acme)
    with celery() as worker:
        with holding(PEOPLE):
            wait_until_blocked()
            worker.find_children()[0].kill()
            wait_until(lambda: read_progress(operation).attempts == 2)
            assert_nothing_written()
        wait_for_status(operation, Status.SUCCEEDED)
        assert worker.stop() == 0

    assert_written_once()
    assert read_progress(operation).attempts == 2


@pytest.mark.usefixtures("celery_settings")
def test_cancelling_ends_the_running_statement_within_a_second(acme: NewOrganization) -> None:
    operation = queue_import(acme)
    with celery() as worker, holding(PEOPLE):
        wait_until_blocked()
        started = time.monotonic()
        cancelled = cancel_operation(organization=acme.organization, operation_id=operation.pk)
        assert time.monotonic() - started < 1
        assert worker.stop() == 0

    assert cancelled.status == Status.CANCELLED
    assert_nothing_written()


def test_celery_without_a_broker_url_says_what_to_set(acme: NewOrganization) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "importsvc", "worker"],
        cwd=configured.BASE_DIR,
        env={**os.environ, "CELERY_BROKER_URL": ""},
        capture_output=True,
        text=True,
    )

    assert done.returncode == EXIT_CODE
    assert done.stderr == (
        "Celery needs CELERY_BROKER_URL, such as amqp://user:password@host:5672/. Without it, manage.py work does"
        " queued operations.\n"
    )
