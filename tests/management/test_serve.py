"""``manage.py serve``: start, run the printed lines, stop, start again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings

from importsvc.imports.models import Import
from importsvc.operations.models import Kind, Status
from people.services import NewOrganization
from tests.command_line import start
from tests.operations.queueing import create, queue
from tests.operations.workers import wait_for_status

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the printed lines need curl")


def find_port() -> str:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve an embedded database in ``folder``, and stop with Ctrl-C; gives what is printed at the start."""
    environment = {**os.environ, "VAR_DIR": str(folder), "PORT": find_port(), "WEB_CONCURRENCY": "1"}
    environment.pop("DATABASE_URL", None)
    command = [sys.executable, "manage.py", "serve"]
    with subprocess.Popen(
        command, cwd=settings.BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        printed = ""
        while "Listening at" not in printed:
            line = process.stdout.readline()
            assert line, f"ended with {process.wait()} after printing: {printed}"
            printed += line
        yield printed
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
        assert not process.stdout.read()


def paste(printed: str, *further: str) -> list[Any]:
    """Run the printed lines and further ones in a shell; returns the documents of the responses."""
    lines = [line for line in printed.splitlines() if line.startswith("  ")]
    done = subprocess.run(["sh"], input="\n".join([*lines, *further]), capture_output=True, text=True, check=True)
    # The response whose id a variable takes is printed on standard error.
    return [json.loads(line) for line in (done.stderr + done.stdout).splitlines() if line]


def names(document: Any, attribute: str) -> list[str]:
    return [resource["attributes"][attribute] for resource in document["data"]]


def test_the_printed_lines_create_import_list_and_revert_and_a_restart_keeps_the_data(tmp_path: Path) -> None:
    with serve(tmp_path) as printed:
        created, imported, people, reverted, left, companies = paste(printed, "api $API/people", "api $API/companies")

    assert created["data"]["attributes"]["processed_at"] is None
    assert imported["data"]["attributes"]["processed_at"] is not None
    assert names(people, "email") == ["demo@example.com", "john@mail.com"]
    assert reverted["data"]["attributes"]["reverted_at"] is not None
    assert names(left, "email") == ["demo@example.com"]
    assert names(companies, "name") == ["Demo"]
    assert not (tmp_path / "postgres" / "data" / "postmaster.pid").exists(), "PostgreSQL was left running"

    with serve(tmp_path) as printed:
        *_, imports = paste(printed, "api $API/imports")

    assert [bool(reverted_at) for reverted_at in names(imports, "reverted_at")] == [True, True]


def find_workers(process_id: int) -> list[int]:
    """The process ids of the workers of a service."""
    children = psutil.Process(process_id).children()
    return [child.pid for child in children if "work" in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.django_db(transaction=True)
def test_a_worker_beside_it_does_queued_operations_and_is_started_again(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", find_port())
    first = queue(acme, Kind.IMPORT, create(acme))
    with start("serve") as process:
        wait_for_status(first, Status.SUCCEEDED)
        (worker,) = find_workers(process.pid)
        os.kill(worker, signal.SIGKILL)
        second = queue(acme, Kind.REVERT, Import.objects.get())
        wait_for_status(second, Status.SUCCEEDED)
        (again,) = find_workers(process.pid)
        assert again != worker
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)

    assert process.returncode == 0, output
    assert not psutil.pid_exists(again)
