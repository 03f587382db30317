"""The embedded PostgreSQL needs no set-up, is shared by all processes, and is stopped after the last one."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings
from django.db import OperationalError

from importsvc.postgres.embedded import DATABASE, PORT, USER, Server, StartError
from importsvc.postgres.embedded.base import DatabaseWrapper

# Its cluster takes long to make.
pytestmark = pytest.mark.xdist_group("embedded")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One cluster for all tests here, in a folder with an awkward name and a locale that folds ASCII only."""
    with tempfile.TemporaryDirectory(prefix="importsvc-") as outer, pytest.MonkeyPatch.context() as environment:
        folder = Path(outer) / "it's a folder" / "postgres"
        environment.setenv("LC_ALL", "C")
        server = Server(folder)
        server.start()
        server.leave()
        yield folder


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    server = Server(folder)
    yield server
    server.leave()


def ask(socket_folder: Path, sql: str, database: str = DATABASE) -> object:
    connection = psycopg2.connect(host=str(socket_folder), port=PORT, user=USER, dbname=database)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]
    finally:
        connection.close()


def process_id(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


def runs(folder: Path) -> bool:
    return (folder / "data" / "postmaster.pid").exists()


def in_another_process(folder: Path, then: str = "") -> int:
    """Start ``server`` in ``folder`` in another process that then runs ``then``; returns its exit code."""
    code = "\n".join(
        [
            "import os, pathlib",
            "from importsvc.postgres.embedded import Server",
            f"folder = pathlib.Path({str(folder)!r})",
            "server = Server(folder)",
            "server.start()",
            then,
        ]
    )
    return subprocess.run([sys.executable, "-c", code], cwd=settings.BASE_DIR).returncode


@pytest.mark.parametrize("database", [DATABASE, "template1"])
def test_case_is_folded_by_unicode_in_the_database_and_in_test_databases(server: Server, database: str) -> None:
    assert ask(server.start(), "SELECT lower('ÉÑÖŠ')", database) == "éñöš"


def test_another_servers_port_in_the_environment_changes_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")

    assert ask(server.start(), "SELECT 1") == 1


def test_starting_again_finds_the_same_server(folder: Path, server: Server) -> None:
    socket_folder = server.start()
    first = process_id(folder)

    assert server.start() == socket_folder
    assert process_id(folder) == first


def test_the_last_user_of_the_server_stops_it(folder: Path, server: Server) -> None:
    other = Server(folder)
    other.start()
    server.start()

    server.leave()
    assert runs(folder)
    other.leave()
    assert not runs(folder)


def test_a_process_that_ends_does_not_stop_a_server_in_use(folder: Path, server: Server) -> None:
    server.start()
    first = process_id(folder)

    assert in_another_process(folder) == 0

    assert process_id(folder) == first


def test_a_forked_child_that_ends_does_not_stop_the_server_of_its_parent(folder: Path) -> None:
    code = in_another_process(
        folder,
        then="child = os.fork()\n"
        "if child:\n"
        "    os.waitpid(child, 0)\n"
        "    assert (folder / 'data' / 'postmaster.pid').exists()\n",
    )

    assert code == 0
    assert not runs(folder)


def test_a_killed_process_does_not_keep_the_server_up(folder: Path, server: Server) -> None:
    assert in_another_process(folder, then="os.kill(os.getpid(), 9)") == -signal.SIGKILL
    assert runs(folder)

    server.start()
    server.leave()

    assert not runs(folder)


def test_a_killed_server_is_started_again_even_if_another_process_got_its_id(folder: Path, server: Server) -> None:
    server.start()
    os.kill(process_id(folder), signal.SIGKILL)
    stale = folder / "data" / "postmaster.pid"
    stale.write_text(stale.read_text().replace(str(process_id(folder)), str(os.getpid()), 1))

    assert ask(server.start(), "SELECT 1") == 1


def test_several_processes_may_start_at_once_in_a_new_folder_and_over_an_interrupted_set_up(open_folder: Path) -> None:
    folder = open_folder / "postgres"
    (folder / "data.interrupted").mkdir(parents=True)
    servers = [Server(folder) for _ in range(4)]

    with ThreadPoolExecutor() as threads:
        answers = list(threads.map(lambda server: ask(server.start(), "SELECT 1"), servers))
    for server in servers:
        server.leave()

    assert answers == [1, 1, 1, 1]
    assert not (folder / "data.interrupted").exists()


def test_a_copied_folder_works_even_if_its_path_is_too_long_for_a_socket(folder: Path, open_folder: Path) -> None:
    deep = open_folder / ("deep" * 25)
    shutil.copytree(folder / "data", deep / "data")
    server = Server(deep)
    socket_folder = server.start()

    assert ask(socket_folder, "SELECT 1") == 1
    server.leave()
    assert not socket_folder.exists()


def test_a_server_that_does_not_start_reports_the_reason(folder: Path, server: Server) -> None:
    configuration = folder / "data" / "postgresql.auto.conf"
    server.start()
    server.leave()
    before = configuration.read_bytes()
    configuration.write_text("no_such_setting = 1\n")
    try:
        with pytest.raises(StartError, match="no_such_setting"):
            server.start()
    finally:
        configuration.write_bytes(before)


def test_the_log_says_when_the_server_ran_and_has_no_values_of_statements(folder: Path, server: Server) -> None:
    socket_folder = server.start()
    for statement in (
        "SELECT 'ada@acme.test'::int",
        "SELECT 1 / 0 AS ada",
        "DO $$ BEGIN RAISE EXCEPTION 'ada' USING DETAIL = 'ada'; END $$",
        "SELECT pg_terminate_backend(pg_backend_pid()) /* ada */",
    ):
        with pytest.raises(psycopg2.Error):
            ask(socket_folder, statement)
    server.leave()

    logs = list((folder / "data" / "log").glob("*.log"))
    text = "".join(log.read_text() for log in [*logs, folder / "data" / "start.log"])
    assert "LOG:  database system is ready to accept connections" in text
    assert "LOG:  database system is shut down" in text
    assert "ada" not in text


def test_logs_of_last_week_are_removed_by_the_next_start(folder: Path, server: Server) -> None:
    server.start()
    server.leave()
    logs = folder / "data" / "log"
    for name, days in (("old.log", 7), ("new.log", 5)):
        (logs / name).touch()
        os.utime(logs / name, times=(time.time() - days * 86_400,) * 2)

    server.start()

    assert not (logs / "old.log").exists()
    assert (logs / "new.log").exists()
    (logs / "new.log").unlink()


def test_a_server_that_does_not_start_is_an_operational_error_of_django(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(server: Server) -> Path:
        raise StartError("no room")

    monkeypatch.setattr(Server, "start", refuse)
    wrapper = DatabaseWrapper({"NAME": DATABASE, "OPTIONS": {}})

    with pytest.raises(OperationalError, match="no room"):
        wrapper.get_connection_params()
