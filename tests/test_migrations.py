"""Every migration of the project can be undone, and what only the database promises is there after all of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

APPS = ["imports", "people", "companies", "idempotency", "organizations"]

# Constraints that Django cannot declare, by name; the database says what they are.
COMPOSITE_KEYS = {
    "person_company_of_same_organization": (
        "FOREIGN KEY (organization_id, company_id) REFERENCES companies_company(organization_id, id) DEFERRABLE"
    ),
    "import_creator_of_same_organization": (
        "FOREIGN KEY (organization_id, creator_id) REFERENCES people_person(organization_id, id) DEFERRABLE"
    ),
}


def read_schema() -> dict[str, list[Any]]:
    """Columns, constraints and indexes of the project's tables, as PostgreSQL describes them."""
    tables = "'organizations_organization', 'companies_company', 'people_person', 'people_apitoken',"
    tables += "'imports_import', 'imports_change', 'idempotency_idempotencykey'"
    queries = {
        "columns": (
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
            f" WHERE table_name IN ({tables}) ORDER BY 1, 2"
        ),
        "constraints": (
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            f" WHERE conrelid::regclass::text IN ({tables}) AND contype <> 'n' ORDER BY 1"
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
    assert nothing == {"columns": [], "constraints": [], "indexes": []}
    assert read_schema() == before


@pytest.mark.django_db
def test_the_database_holds_that_related_records_are_of_one_organization() -> None:
    constraints = dict(read_schema()["constraints"])

    assert {name: constraints[name] for name in COMPOSITE_KEYS} == COMPOSITE_KEYS
