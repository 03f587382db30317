"""Ctrl-C ends any command with one sentence and exit code 130, and nothing is half-written."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import psycopg2
import pytest
from django.db import connection

from importsvc.imports.models import Import
from importsvc.management.migrating import LOCK_KEY
from people.services import NewOrganization
from tests.command_line import start
from tests.databases import empty_database
from tests.interleaving import ask
from tests.operations.workers import PEOPLE, holding, wait_until, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)

INTERRUPTED = "\nInterrupted. What was not committed is rolled back.\n"
COPYING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND state = 'active' AND query LIKE 'COPY %%people_person%%'"
)


def write_people(folder: Path, count: int) -> Path:
    file = folder / "people.json"
    file.write_text(json.dumps({"person": [{"first_name": f"Person {number}"} for number in range(count)]}))
    return file


def import_file(acme: NewOrganization, file: Path) -> subprocess.Popen[str]:
    return start("import_file", file, "--organization", acme.organization.pk, "--email", acme.person.email)


def interrupt(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Press Ctrl-C; returns the exit code and the output after it."""
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    return process.returncode, output


def test_a_command_that_waits_for_a_lock_ends_at_once(acme: NewOrganization, tmp_path: Path) -> None:
    with holding(PEOPLE):
        process = import_file(acme, write_people(tmp_path, 10))
        wait_until_blocked()
        assert interrupt(process) == (130, INTERRUPTED)

    assert Import.objects.count() == 0


def test_a_command_that_copies_rows_says_nothing_of_postgresqls_error(acme: NewOrganization, tmp_path: Path) -> None:
    process = import_file(acme, write_people(tmp_path, 150_000))
    wait_until(lambda: ask(COPYING))
    assert interrupt(process) == (130, INTERRUPTED)

    assert Import.objects.count() == 0
    assert acme.organization.people.count() == 1


def test_a_migration_that_waits_for_another_one_ends() -> None:
    with empty_database("interrupted") as name:
        other = psycopg2.connect(**{**connection.get_connection_params(), "dbname": name})
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        process = start("migrate", database=name)
        assert process.stdout
        assert process.stdout.readline() == "Another process is migrating this database; waiting for it.\n"
        assert interrupt(process) == (130, INTERRUPTED)
        other.close()
