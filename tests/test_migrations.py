"""Every migration can be undone and applied again, and a dump restores into a freshly migrated database."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from importsvc.idempotency.models import IdempotencyKey
from importsvc.imports.services import create_import, revert_import, run_import
from importsvc.webhooks.services import create_endpoint
from people.services import NewOrganization
from tests.builders import PUBLISHED_ROWS
from tests.client import ApiClient
from tests.command_line import manage
from tests.databases import empty_database, run_program

APPS = [
    "import_sessions",
    "changelog",
    "imports",
    "operations",
    "webhooks",
    "people",
    "companies",
    "idempotency",
    "organizations",
    "rate_limits",
    "guessing",
]

# Tables that ``migrate`` fills in a new database; a dump has these rows with their ids.
MIGRATED = "TRUNCATE django_content_type, auth_permission, auth_group CASCADE"


def read_schema() -> dict[str, list[Any]]:
    """Columns, constraints, triggers and indexes of the project's tables, as PostgreSQL describes them."""
    tables = "'organizations_organization', 'companies_company', 'people_person', 'people_apitoken',"
    tables += "'imports_import', 'imports_stagedchunk', 'changelog_change', 'changelog_createdchunk', 'people_author',"
    tables += " 'idempotency_idempotencykey',"
    tables += "'webhooks_webhookendpoint', 'webhooks_webhookdelivery', 'imports_queuedchunk', 'operations_operation',"
    tables += "'operations_progress', 'rate_limits_requestcounter', 'guessing_failurecount', 'imports_stagedrowerror',"
    tables += " 'imports_refusal',"
    tables += " 'import_sessions_importsession'"
    queries = {
        "columns": (
            "SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, attoptions FROM pg_attribute"
            f" JOIN pg_class ON pg_class.oid = attrelid WHERE relname IN ({tables}) AND attnum > 0 AND NOT attisdropped"
            " ORDER BY relname, attname"
        ),
        "constraints": (
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            f" WHERE conrelid::regclass::text IN ({tables}) AND contype <> 'n' ORDER BY 1"
        ),
        "triggers": (
            "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger"
            f" WHERE tgrelid::regclass::text IN ({tables}) AND NOT tgisinternal ORDER BY 1"
        ),
        "indexes": f"SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ({tables}) ORDER BY 1",
    }
    schema = {}
    with connection.cursor() as cursor:
        for name, query in queries.items():
            cursor.execute(query)
            schema[name] = cursor.fetchall()
    return schema


@pytest.mark.one_server("the first migrations of a distributed database cannot be undone")
@pytest.mark.django_db(transaction=True)
def test_migrations_can_be_undone_one_by_one_and_done_again() -> None:
    before = read_schema()
    executor = MigrationExecutor(connection)
    ours = [node for node in executor.loader.graph.nodes if node[0] in APPS]
    latest = executor.loader.graph.leaf_nodes()

    try:
        for app in APPS:
            executor = MigrationExecutor(connection)
            executor.migrate([(app, None)])
        nothing = read_schema()
    finally:
        MigrationExecutor(connection).migrate(latest)

    assert len(ours) >= 6
    assert nothing == {what: [] for what in before}
    assert read_schema() == before


def test_every_change_of_a_model_has_a_migration(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def dump(database: str) -> str:
    """The data of a database as SQL, without the list of migrations, which every migrated database has."""
    text = run_program("pg_dump", "--data-only", "--exclude-table=django_migrations", database=database)
    # Two lines have a random key, and servers before PostgreSQL 17 do not know the parameter.
    omitted = ("\\restrict", "\\unrestrict", "SET transaction_timeout")
    return "\n".join(line for line in text.splitlines() if not line.startswith(omitted))


@pytest.mark.django_db(transaction=True)
def test_a_dump_of_the_data_restores_into_a_database_that_was_migrated_afresh(
    acme: NewOrganization, api: ApiClient
) -> None:
    create_endpoint(organization=acme.organization, url="https://example.com", events=["import.processed"])
    for revert in (True, False):
        import_ = create_import(organization=acme.organization, creator=acme.person, import_data=PUBLISHED_ROWS)
        run_import(organization=acme.organization, import_id=import_.pk)
        if revert:
            revert_import(organization=acme.organization, import_id=import_.pk)
    IdempotencyKey.objects.create(
        organization=acme.organization, key="k", fingerprint="f", status=201, headers={}, body=b"{}"
    )
    dumped = dump(connection.settings_dict["NAME"])

    with empty_database("restored") as name:
        assert manage("migrate", database=name).code == 0
        options = ["--single-transaction", "--set=ON_ERROR_STOP=1", "--quiet"]
        run_program("psql", *options, "--command", MIGRATED, "--file=-", database=name, stdin=dumped)
        restored = dump(name)

    assert "john@mail.com" in dumped
    assert "/api/v2/imports/" in dumped
    assert restored == dumped
