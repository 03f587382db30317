"""Every migration of the project can be undone, and done again."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

APPS = ["changelog", "imports", "people", "companies", "idempotency", "organizations"]


def read_schema() -> dict[str, list[Any]]:
    """Columns, constraints, triggers and indexes of the project's tables, as PostgreSQL describes them."""
    tables = "'organizations_organization', 'companies_company', 'people_person', 'people_apitoken',"
    tables += "'imports_import', 'imports_stagedpart', 'changelog_change', 'idempotency_idempotencykey'"
    queries = {
        "columns": (
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
            f" WHERE table_name IN ({tables}) ORDER BY 1, 2"
        ),
        "constraints": (
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            f" WHERE conrelid::regclass::text IN ({tables}) AND contype <> 'n' ORDER BY 1"
        ),
        "triggers": (
            "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger"
            f" WHERE tgrelid::regclass::text IN ({tables}) AND NOT tgisinternal ORDER BY 1"
        ),
        "functions": (
            "SELECT proname, pg_get_functiondef(oid) FROM pg_proc"
            " WHERE pronamespace = current_schema()::regnamespace AND prorettype = 'trigger'::regtype ORDER BY 1"
        ),
        "indexes": f"SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ({tables}) ORDER BY 1",
    }
    schema = {}
    with connection.cursor() as cursor:
        for name, query in queries.items():
            cursor.execute(query)
            schema[name] = cursor.fetchall()
    return schema


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
