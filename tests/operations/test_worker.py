"""The loop of a worker, in a thread of the test."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from importsvc.imports.models import Import
from importsvc.operations import worker
from importsvc.operations.models import Kind, Status
from importsvc.operations.stopping import StopRequest
from importsvc.operations.worker import Worker, count_workers
from people.services import NewOrganization
from tests.interleaving import threads
from tests.operations.queueing import create, queue
from tests.operations.workers import wait_for_status, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def working() -> Iterator[None]:
    """A worker that has looked at the queue."""
    stop = StopRequest()
    with threads() as pool:
        future = pool.start(Worker(stop, parent_id=os.getppid()).run)
        try:
            yield
        finally:
            stop.request()
            assert future.result(20) is None


def test_a_worker_is_woken_by_what_is_queued(acme: NewOrganization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "POLL_SECONDS", 3600)
    with working():
        wait_for_status(queue(acme, Kind.IMPORT, create(acme)), Status.SUCCEEDED)
        wait_for_status(queue(acme, Kind.REVERT, Import.objects.get()), Status.SUCCEEDED)


def test_a_worker_finds_what_is_queued_without_being_woken(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "CHANNEL", "another_channel")
    with working():
        wait_for_status(queue(acme, Kind.IMPORT, create(acme)), Status.SUCCEEDED)
        wait_for_status(queue(acme, Kind.REVERT, Import.objects.get()), Status.SUCCEEDED)


def test_workers_of_a_host_with_a_long_name_are_counted(acme: NewOrganization, monkeypatch: pytest.MonkeyPatch) -> None:
    host = "node-" + "x" * 58
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    with working():
        wait_until(lambda: count_workers(host) == 1)
        assert count_workers("node-y") == 0


def test_a_second_request_within_a_second_is_the_same_one() -> None:
    stop = StopRequest(grace_seconds=60)

    stop.request()
    stop.request()

    assert stop.is_requested
    assert not stop.is_over()
