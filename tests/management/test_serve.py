"""``manage.py serve``: start, run the printed lines, stop, start again."""

from __future__ import annotations

import http.client
import json
import os
import re
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
from tests.command_line import describe_database, manage, start
from tests.databases import ask_database, empty_database
from tests.operations.queueing import create, queue
from tests.operations.workers import PEOPLE, holding, wait_for_status, wait_until, wait_until_blocked
from tests.ports import find_port

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the printed lines need curl")


def get_environment(folder: Path, **variables: str) -> dict[str, str]:
    """The environment of a service on an embedded database in ``folder``, unless ``DATABASE_URL`` names another."""
    environment = {**os.environ, "VAR_DIR": str(folder), "WEB_CONCURRENCY": "1"}
    environment.pop("DATABASE_URL", None)
    return environment | variables


def start_serving(
    environment: dict[str, str], *options: str, is_logged: bool = False
) -> tuple[subprocess.Popen[str], str]:
    """The process, and what it prints at the start."""
    command = [sys.executable, "manage.py", "serve", *options]
    process = subprocess.Popen(
        command,
        cwd=settings.BASE_DIR,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if is_logged else None,
        text=True,
    )
    assert process.stdout is not None
    printed = ""
    while "Listening at" not in printed:
        line = process.stdout.readline()
        if not line:
            with process:
                process.wait()
            raise AssertionError(f"ended with {process.returncode} after printing: {printed}")
        printed += line
    return process, printed


def stop_serving(process: subprocess.Popen[str]) -> None:
    """Stop with Ctrl-C."""
    with process:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
        assert process.stdout
        assert process.stdout.read() == "Stopped.\n"


@contextmanager
def serve(folder: Path, *options: str, **variables: str) -> Iterator[str]:
    """Serve an embedded database in ``folder``, and stop with Ctrl-C; gives what is printed at the start."""
    process, printed = start_serving(get_environment(folder, PORT=str(find_port()), **variables), *options)
    yield printed
    stop_serving(process)


def paste(printed: str, *further: str, folder: Path) -> list[Any]:
    """Run the printed lines and further ones in a shell; returns the documents of the responses."""
    lines = [line for line in printed.splitlines() if line.startswith("  ")]
    given = "\n".join([*lines, *further])
    done = subprocess.run(
        ["sh"], input=given, cwd=settings.BASE_DIR, env=get_environment(folder), capture_output=True, text=True
    )
    assert done.returncode == 0, done
    # The response whose id a variable takes is printed on standard error.
    return [json.loads(line) for line in (done.stderr + done.stdout).splitlines() if line]


def names(document: Any, attribute: str) -> list[str]:
    return [resource["attributes"][attribute] for resource in document["data"]]


def test_the_printed_lines_create_import_list_and_revert_and_a_restart_keeps_the_data(open_folder: Path) -> None:
    with serve(open_folder) as first:
        created, imported, people, reverted, left, companies = paste(
            first, "api $API/people", "api $API/companies", folder=open_folder
        )

    assert created["data"]["attributes"]["processed_at"] is None
    assert imported["data"]["attributes"]["processed_at"] is not None
    assert names(people, "email") == ["demo@example.com", "john@mail.com"]
    assert reverted["data"]["attributes"]["reverted_at"] is not None
    assert names(left, "email") == ["demo@example.com"]
    assert names(companies, "name") == ["Demo"]
    assert not (open_folder / "postgres" / "data" / "postmaster.pid").exists(), "PostgreSQL was left running"

    # The token is printed once, and stored nowhere: the next start says how to make another one.
    # A variable that is empty counts as not set.
    with serve(open_folder, WEB_CONCURRENCY="") as second:
        (made,) = paste(second, folder=open_folder)
        address = re.search(r"http://[0-9.:]+", second)
        assert address
        again = re.sub(r"http://[0-9.:]+", address[0], first).replace(
            re.findall(r"TOKEN=(\S+)", first)[0], made["token"]
        )
        *_, imports = paste(again, "api $API/imports", folder=open_folder)

    assert second == (
        "The token of the demo organization was printed by the first start, and only a hash of it is stored."
        " For another one:\n\n"
        "  .venv/bin/python manage.py create_token --organization 1 --email demo@example.com\n\n"
        f"Listening at {address[0]} – stop with Ctrl-C.\n"
    )
    assert [bool(reverted_at) for reverted_at in names(imports, "reverted_at")] == [True, True]
    assert sorted(path.name for path in open_folder.iterdir()) == ["postgres", "secret_key"]


def test_a_killed_service_leaves_nothing_that_blocks_the_next_start(open_folder: Path) -> None:
    environment = get_environment(open_folder, PORT=str(find_port()))
    killed, _ = start_serving(environment, "--no-demo")
    # Those of gunicorn, and a worker.
    wait_until(lambda: len(psutil.Process(killed.pid).children(recursive=True)) == 3)
    children = psutil.Process(killed.pid).children(recursive=True)
    with killed:
        killed.kill()
    psutil.wait_procs(children, timeout=60)
    assert not [child for child in children if child.is_running()]

    process, _ = start_serving(environment, "--no-demo")
    stop_serving(process)

    assert not (open_folder / "postgres" / "data" / "postmaster.pid").exists()


def test_sighup_renews_all_processes_while_the_service_goes_on(open_folder: Path) -> None:
    environment = get_environment(open_folder, PORT=str(find_port()))
    process, _ = start_serving(environment, "--no-demo")
    wait_until(lambda: len(psutil.Process(process.pid).children(recursive=True)) == 3)
    gunicorn = next(child for child in psutil.Process(process.pid).children() if "gunicorn" in child.cmdline())
    old = {child.pid for child in psutil.Process(process.pid).children(recursive=True)} - {gunicorn.pid}
    statuses = []

    def is_renewed() -> bool:
        client = http.client.HTTPConnection("127.0.0.1", int(environment["PORT"]), timeout=60)
        client.request("GET", "/api/v2/imports")
        statuses.append(client.getresponse().status)
        client.close()
        now = {child.pid for child in psutil.Process(process.pid).children(recursive=True)} - {gunicorn.pid}
        return len(now) == 2 and not now & old

    process.send_signal(signal.SIGHUP)
    wait_until(is_renewed)
    stop_serving(process)

    assert {*statuses} == {401}


@pytest.mark.django_db(transaction=True)
def test_requests_that_outlast_the_grace_are_cut_off_and_that_is_logged(
    acme: NewOrganization, open_folder: Path
) -> None:
    environment = get_environment(open_folder, PORT=str(find_port()), DATABASE_URL=describe_database(), WORKERS="0")
    process, _ = start_serving(environment, "--grace", "1", is_logged=True)
    import_ = create(acme)
    with holding(PEOPLE), socket.create_connection(("127.0.0.1", int(environment["PORT"]))) as client:
        path = f"/api/v2/imports/{import_.pk}/import"
        client.sendall(
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token: {acme.token}\r\nContent-Length: 0\r\n"
            f"X-Organization-Id: {acme.organization.pk}\r\nContent-Type: application/vnd.api+json\r\n\r\n".encode()
        )
        wait_until_blocked()
        process.send_signal(signal.SIGTERM)
        _, logged = process.communicate(timeout=60)

    assert process.returncode == 0
    assert "WARNING importsvc.serve: Requests that still ran 1 seconds after the stop signal were cut off\n" in logged
    import_.refresh_from_db()
    assert import_.state == "created"


def serve_database(database: str, *options: str) -> tuple[int, str]:
    """Serve a database that ``DATABASE_URL`` names; gives the exit code, and what was printed without the address."""
    with start("serve", *options, database=database) as process:
        assert process.stdout
        printed = ""
        while "Listening at" not in printed and (line := process.stdout.readline()):
            printed += line
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    return process.returncode, re.sub(r"http://[0-9.:]+", "URL", printed)


LISTENING = "Listening at URL – stop with Ctrl-C.\n"
COUNT = "SELECT count(*) FROM organizations_organization"


@pytest.mark.django_db(transaction=True)
def test_a_database_of_its_own_gets_a_demo_organization_only_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", str(find_port()))
    with empty_database("serve") as name:
        unmigrated = serve_database(name, "--no-migrate")
        assert ask_database(name, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [0]
        assert manage("migrate", database=name).code == 0
        first = serve_database(name, "--no-migrate")
        assert ask_database(name, COUNT) == [0]
        demo = serve_database(name, "--no-migrate", "--demo")
        assert ask_database(name, COUNT) == [1]
        last = serve_database(name)

    assert unmigrated[0] == 1
    assert re.fullmatch(
        r"CommandError: The database lacks \d+ migrations: run manage.py migrate first.\n", unmigrated[1]
    )
    assert first[0] == 0
    assert first[1] == (
        "The database has no organization. To create the first one, with a token:\n\n"
        f"  .venv/bin/python manage.py create_organization NAME --email EMAIL\n\n{LISTENING}"
    )
    assert demo[0] == 0
    assert re.search(r"  API=URL/api/v2 ORGANIZATION=1 TOKEN=\S{20,}\n", demo[1])
    assert last == (0, LISTENING)


def find_workers(process_id: int) -> list[int]:
    """The process ids of the workers of a service."""
    children = psutil.Process(process_id).children()
    return [child.pid for child in children if "work" in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.django_db(transaction=True)
def test_a_worker_beside_it_does_queued_operations_and_is_started_again(
    acme: NewOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", str(find_port()))
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
