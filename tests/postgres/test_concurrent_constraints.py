"""A unique constraint is added to a table in use, and again after an attempt that failed."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg2
import pytest
from django.db import IntegrityError, connection
from django.db.migrations.executor import MigrationExecutor

from importsvc.management.migrating import retry_migrations
from people.services import NewOrganization
from tests.builders import make_person
from tests.interleaving import ask

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE, AFTER = [("people", "0003_external_id")], [("people", "0004_external_id_unique")]
INDEX = "SELECT indisvalid, indisunique FROM pg_index WHERE indexrelid = to_regclass('person_external_id_organization')"


def migrate(target: list[Any]) -> None:
    MigrationExecutor(connection).migrate(target)


@pytest.fixture
def without_constraint(acme: NewOrganization) -> Any:
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    migrate(BEFORE)
    yield
    with connection.cursor() as cursor:
        cursor.execute("UPDATE people_person SET external_id = NULL")
    migrate(latest)  # later ones of other apps were undone as well


def read_index() -> Any:
    with connection.cursor() as cursor:
        cursor.execute(INDEX)
        return cursor.fetchone()


def test_after_a_refusal_because_of_duplicates_the_next_attempt_succeeds(
    acme: NewOrganization, without_constraint: None
) -> None:
    one, _ = (make_person(organization=acme.organization, external_id="a") for _ in range(2))
    assert read_index() is None
    with pytest.raises(IntegrityError):
        migrate(AFTER)
    assert read_index() == (False, True)

    one.external_id = "A"
    one.save(update_fields=["external_id"])
    migrate(AFTER)

    assert read_index() == (True, True)


def test_it_waits_for_a_transaction_longer_than_migrations_wait_for_locks(
    acme: NewOrganization, without_constraint: None
) -> None:
    person = make_person(organization=acme.organization)
    retries: list[None] = []
    other = psycopg2.connect(**connection.get_connection_params())
    with other.cursor() as cursor:
        cursor.execute("UPDATE people_person SET external_id = 'a' WHERE id = %s", [person.pk])

    def commit() -> None:
        time.sleep(0.6)  # migrate gives up after 0.2 seconds
        other.commit()
        other.close()

    committer = threading.Thread(target=commit)
    committer.start()
    retry_migrations(lambda: migrate(AFTER), connection, on_retry=lambda: retries.append(None))
    committer.join()

    assert retries == []
    assert read_index() == (True, True)
    assert ask("SELECT current_setting('lock_timeout')") == "0"
