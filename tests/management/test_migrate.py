"""``manage.py migrate`` runs in one process at a time, and refuses a database of another version."""

from __future__ import annotations

import socket
import subprocess
from typing import IO

import psycopg2
import pytest
from django.conf import settings
from django.db import connection

from importsvc.management.migrating import LOCK_KEY
from tests.command_line import manage, start
from tests.databases import ask_database, empty_database

pytestmark = pytest.mark.django_db(transaction=True)

# Some of the migrations that earlier, unreleased versions have recorded in their databases.
EARLIER = """
    CREATE TABLE django_migrations (id bigserial PRIMARY KEY, app text, name text, applied timestamptz DEFAULT now());
    INSERT INTO django_migrations (app, name) VALUES ('organizations', '0001_organization'),
        ('companies', '0001_company'), ('people', '0004_keys_checked_by_statement'),
        ('imports', '0004_shared_values_of_imports'), ('rest_framework_api_key', '0000_removed_by_the_package')
"""
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"


@pytest.mark.parametrize("command", ["migrate", "serve"])
def test_a_database_of_an_earlier_version_is_refused_with_instructions(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        monkeypatch.setenv("PORT", str(free.getsockname()[1]))
    with empty_database("earlier") as name:
        ask_database(name, EARLIER)
        outcome = manage(command, database=name)
        tables = ask_database(name, TABLES)

    assert outcome.code == 1
    assert outcome.out == ""
    assert outcome.err == (
        f"CommandError: The database '{name}' was made by another version of this service: this version does not have"
        " the applied migration imports.0004_shared_values_of_imports and 1 more. Nothing was changed. Set"
        f" DATABASE_URL to an empty database or, if it is not set, move the folder {settings.VAR_DIR / 'postgres'}"
        " away and start again.\n"
    )
    assert tables == ["django_migrations"]


def test_applied_migrations_that_a_package_has_removed_are_no_reason_to_refuse() -> None:
    with empty_database("packages") as name:
        ask_database(name, f"{EARLIER}; DELETE FROM django_migrations WHERE app <> 'rest_framework_api_key'")
        outcome = manage("migrate", "--plan", database=name)

    assert (outcome.code, outcome.err) == (0, "")


def read_until(output: IO[str] | None, end: str) -> None:
    assert output
    lines: list[str] = []
    while not lines or end not in lines[-1]:
        lines.append(output.readline())
        assert lines[-1], f"it ended after printing {lines}"


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    printed, _ = process.communicate(timeout=60)
    return process.returncode, printed.splitlines()[-1].strip()


def test_two_processes_that_migrate_an_empty_database_at_once_both_succeed() -> None:
    with empty_database("twice") as name:
        # The lock is held here first, so that both begin at the same time.
        third = psycopg2.connect(**{**connection.get_connection_params(), "dbname": name})
        with third.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        processes = [start("migrate", database=name) for _ in range(2)]
        for process in processes:
            read_until(process.stdout, "Another process is migrating this database; waiting for it.")
        assert ask_database(name, TABLES) == []
        third.close()
        outcomes = sorted(finish(process) for process in processes)
        applied = ask_database(name, "SELECT count(*) FROM django_migrations WHERE app = 'imports'")

    assert outcomes == [(0, "Applying webhooks.0001_initial... OK"), (0, "No migrations to apply.")]
    assert applied == [3]
