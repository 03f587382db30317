"""``manage.py migrate`` runs in one process at a time, and refuses a database of another version."""

from __future__ import annotations

import subprocess
import threading
from typing import IO

import psycopg2
import pytest
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection, transaction

from importsvc.management.migrating import LOCK_KEY, retry_migrations
from importsvc.postgres.side_connection import open_side_connection
from tests.command_line import manage, start
from tests.databases import ask_database, empty_database
from tests.interleaving import threads
from tests.operations.workers import holding
from tests.ports import find_port

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
    monkeypatch.setenv("PORT", str(find_port()))
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

    assert outcomes == [(0, "Applying webhooks.0003_refer_to_authors... OK"), (0, "No migrations to apply.")]
    assert applied == [16]


def test_a_migration_that_meets_another_transaction_is_tried_again_until_that_has_ended() -> None:
    with empty_database("busy") as name:
        assert manage("migrate", database=name).code == 0
        assert manage("migrate", "imports", "0002", database=name).code == 0
        writer = psycopg2.connect(**{**connection.get_connection_params(), "dbname": name})
        with writer.cursor() as cursor:
            # What a transaction holds that queues an operation. The migration makes a key that refers to this table.
            cursor.execute("LOCK TABLE operations_operation IN ROW EXCLUSIVE MODE")
        process = start("migrate", database=name)
        read_until(process.stdout, "Other transactions use the table; trying again.")
        with writer.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM operations_operation")
        writer.close()
        outcome = finish(process)

    assert outcome == (0, "Applying operations.0007_refer_to_authors... OK")


def test_a_migration_in_a_deadlock_with_a_reader_gives_up_and_not_the_reader() -> None:
    has_locked, attempts = threading.Event(), []

    def migrate() -> None:
        attempts.append(1)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE companies_company IN ACCESS EXCLUSIVE MODE")
            has_locked.set()
            cursor.execute("LOCK TABLE people_person IN ACCESS EXCLUSIVE MODE")

    with threads() as pool, open_side_connection() as reader:
        reader.set_autocommit(False)
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM people_person")
            migrating = pool.start(lambda: retry_migrations(migrate, connection, on_retry=lambda: None))
            assert has_locked.wait(60)
            cursor.execute("SELECT count(*) FROM companies_company")
        reader.rollback()
    assert migrating.result(60) is None
    assert len(attempts) > 1


def test_a_migration_that_never_gets_its_lock_is_refused_and_changes_nothing() -> None:
    def migrate() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE people_person IN ACCESS EXCLUSIVE MODE")

    with holding("SELECT count(*) FROM people_person"), pytest.raises(CommandError) as caught:
        retry_migrations(migrate, connection, on_retry=lambda: None, seconds=0)
    connection.close()  # its lock_timeout goes with it

    assert str(caught.value) == (
        "Other transactions have used the tables for 0 seconds. The migrations before this one are applied, and of this"
        " one nothing is. Run migrate again when no import is running."
    )
