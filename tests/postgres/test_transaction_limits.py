"""A transaction waits for no lock without end, and ends soon after its client."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction
from pytest_django import Settings

from importsvc.postgres.transaction_limits import (
    get_lock_timeout,
    is_lock_timeout,
    limit_transaction,
    may_wait,
    wait_for_locks,
)
from importsvc.postgres.write_conflicts import is_write_conflict
from organizations.models import Organization
from people.services import NewOrganization
from tests.command_line import describe_database
from tests.interleaving import ask

pytestmark = pytest.mark.django_db(transaction=True)

# Holds the organization's row and waits in a statement, as a worker in the middle of an import.
HOLD = """
import django
django.setup()
from django.db import connection, transaction
from importsvc.postgres.transaction_limits import limit_transaction
from organizations.models import Organization

with transaction.atomic():
    limit_transaction()
    Organization.objects.select_for_update(no_key=True).get(pk={organization})
    print("locked", flush=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(60)")
"""


def read_limits() -> tuple[str, ...]:
    names = ("lock_timeout", "client_connection_check_interval")
    return tuple(ask(f"SHOW {name}") for name in names)


def test_the_limits_are_those_of_the_settings_and_end_with_the_transaction(settings: Settings) -> None:
    before = read_limits()
    assert before[0] == "0"
    settings.LOCK_TIMEOUT_SECONDS, settings.CLIENT_CHECK_SECONDS = 7, 2

    with transaction.atomic():
        limit_transaction()
        assert read_limits() == ("7s", "2s")
        with wait_for_locks(60):
            limit_transaction()
            assert read_limits() == ("1min", "2s")

    assert read_limits() == before


def test_only_what_runs_in_the_block_may_wait_longer(settings: Settings) -> None:
    settings.LOCK_TIMEOUT_SECONDS = 7

    with wait_for_locks(60):
        assert (may_wait(), get_lock_timeout()) == (True, 60)
    assert (may_wait(), get_lock_timeout()) == (False, 7)


def test_a_lock_that_is_not_available_in_time_is_no_write_conflict(acme: NewOrganization, settings: Settings) -> None:
    settings.LOCK_TIMEOUT_SECONDS = 1
    other = psycopg2.connect(**connection.get_connection_params())
    with other.cursor() as cursor:
        cursor.execute("SELECT FROM organizations_organization WHERE id = %s FOR UPDATE", [acme.organization.pk])
        began = time.monotonic()
        with pytest.raises(OperationalError) as raised, transaction.atomic():  # noqa: PT012
            limit_transaction()
            Organization.objects.select_for_update().get(pk=acme.organization.pk)
    other.close()

    assert 0.9 < time.monotonic() - began < 5
    assert is_lock_timeout(raised.value)
    assert not is_write_conflict(raised.value)


def test_the_locks_of_a_process_that_is_killed_in_a_long_statement_are_free_soon(acme: NewOrganization) -> None:
    environment: dict[str, Any] = {**os.environ, "DATABASE_URL": describe_database()}
    environment["DJANGO_SETTINGS_MODULE"] = "importsvc.settings"
    command = [sys.executable, "-c", HOLD.format(organization=acme.organization.pk)]
    with subprocess.Popen(
        command, cwd=settings.BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(OperationalError), transaction.atomic():
            Organization.objects.select_for_update(nowait=True).get(pk=acme.organization.pk)

        process.send_signal(signal.SIGKILL)
        process.wait()
        began = time.monotonic()
        with transaction.atomic():
            Organization.objects.select_for_update().get(pk=acme.organization.pk)

    assert time.monotonic() - began < 2.5


def test_a_server_that_has_vanished_is_noticed_unless_database_url_says_otherwise() -> None:
    def read_options(url: str) -> str:
        code = "from django.conf import settings; print(settings.DATABASES['default']['OPTIONS'])"
        environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "importsvc.settings"}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True
        )
        return done.stdout

    given = read_options("postgres://ada@localhost/importsvc?keepalives_idle=5")

    assert "'keepalives_idle': '5'" in given or "'keepalives_idle': 5" in given
    assert "'keepalives_interval': 10" in given
    assert "'keepalives_idle': 30" in read_options("")
