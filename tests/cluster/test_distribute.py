"""``manage.py distribute`` spreads the organizations over the nodes of a cluster, or changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing

import psycopg2
import pytest

from tests.cluster.conftest import ClusterDatabase
from tests.command_line import manage
from tests.statements import find_models

TENANT_TABLES = {"organizations_organization"} | {model._meta.db_table for model in find_models(with_organization=True)}
DISTRIBUTED = "SELECT relname FROM pg_dist_partition JOIN pg_class ON pg_class.oid = logicalrelid"
KEYS = "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'"
SHARDS = ("--shards", 4)
CREATE = ("create_organization", "Acme", "--email", "ada@acme.test")


def test_an_ordinary_database_is_refused_with_instructions(transactional_db: None, cluster: bool) -> None:
    if cluster:
        pytest.skip("the database has the extension")

    outcome = manage("distribute")

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        "CommandError: The database does not have the extension citus. Install Citus's packages on each node, and run"
        " CREATE EXTENSION citus in this database on each of them (docs/scaling.md).\n"
    )


def test_all_tables_with_an_organization_are_distributed_with_their_rows_and_keys(database: ClusterDatabase) -> None:
    assert database.manage(*CREATE).code == 0
    keys = sorted(database.ask(KEYS))

    outcome = database.manage("distribute", *SHARDS)

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"Distributed {len(TENANT_TABLES)} tables over 2 nodes.\n"
    assert {name for (name,) in database.ask(DISTRIBUTED)} == TENANT_TABLES
    assert sorted(database.ask(KEYS)) == keys
    assert database.ask("SELECT email FROM people_person WHERE organization_id = 1") == [("ada@acme.test",)]
    # The rows that were copied to the nodes are no longer on the coordinator.
    assert database.ask("SELECT pg_relation_size('people_person')") == [(0,)]
    primary = database.ask(
        "SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'p' AND conrelid = ANY(%s::regclass[])"
        " AND pg_get_constraintdef(oid) NOT LIKE 'PRIMARY KEY (organization_id, %%'",
        sorted(TENANT_TABLES - {"organizations_organization"}),
    )
    assert primary == []


def test_a_second_run_changes_nothing(database: ClusterDatabase) -> None:
    assert database.manage("distribute", *SHARDS).code == 0

    outcome = database.manage("distribute", "--json")

    assert outcome.code == 0
    assert json.loads(outcome.out)["statements"] == []


def test_a_dry_run_prints_the_statements_and_executes_none(database: ClusterDatabase) -> None:
    outcome = database.manage("distribute", "--dry-run")

    assert outcome.code == 0
    assert (
        "SELECT create_distributed_table('\"organizations_organization\"', 'id', shard_count => 32);\n" in outcome.out
    )
    assert database.ask(DISTRIBUTED) == []


def test_a_database_without_migrations_is_refused(make_database: Callable[[str], ClusterDatabase]) -> None:
    outcome = make_database("importsvc_empty").manage("distribute")

    assert (outcome.code, outcome.err) == (
        1,
        "CommandError: The database has no table changelog_change. Run migrate first.\n",
    )


def test_a_node_is_refused(database: ClusterDatabase) -> None:
    host, port = database.servers[1]
    node = ClusterDatabase({**database.parameters, "host": host, "port": port}, database.servers, database.own)

    outcome = node.manage("distribute")

    assert outcome.code == 1
    assert outcome.err == (
        "CommandError: This server is not the coordinator of the cluster. DATABASE_URL must name the coordinator.\n"
    )


def test_a_cluster_without_nodes_is_refused(database: ClusterDatabase) -> None:
    for host, port in database.servers[1:]:
        database.ask("SELECT citus_remove_node(%s, %s)", host, port)

    outcome = database.manage("distribute")

    assert outcome.code == 1
    assert outcome.err == (
        "CommandError: The cluster has no node for rows. Add one with SELECT citus_add_node('host', 5432).\n"
    )


def test_a_cluster_whose_node_is_down_is_refused_and_distributed_when_it_is_back(database: ClusterDatabase) -> None:
    if not database.own:
        pytest.skip("the test does not stop the servers of CITUS_URL")
    database.own[2].kill()
    try:
        outcome = database.manage("distribute", *SHARDS)
    finally:
        database.own[2].start()

    assert outcome.code == 1
    assert f"cannot connect to the node 127.0.0.1:{database.own[2].port}" in outcome.err
    assert database.ask(DISTRIBUTED) == []
    assert database.manage("distribute", *SHARDS).code == 0


def test_a_database_in_use_is_refused_and_unchanged(database: ClusterDatabase) -> None:
    assert database.manage(*CREATE).code == 0
    with closing(psycopg2.connect(**database.parameters)) as other, other.cursor() as cursor:
        # As a worker holds the row of its operation.
        cursor.execute("SELECT FROM operations_operation FOR NO KEY UPDATE")

        outcome = database.manage("distribute")

    assert outcome.code == 1
    assert outcome.err.startswith("CommandError: Other transactions use the tables")
    assert database.ask(DISTRIBUTED) == []


def test_a_run_that_is_interrupted_changes_nothing_and_the_next_one_does_it(database: ClusterDatabase) -> None:
    assert database.manage(*CREATE).code == 0
    # The last table cannot be distributed, when all others are.
    database.ask("CREATE TABLE notes (person_id bigint REFERENCES people_person (id))")

    outcome = database.manage("distribute", *SHARDS)

    assert outcome.code == 1
    assert outcome.err.endswith("Nothing was changed.\n")
    assert database.ask(DISTRIBUTED) == []
    database.ask("DROP TABLE notes")
    assert database.manage("distribute", *SHARDS).code == 0
    assert database.ask("SELECT count(*) FROM people_person") == [(1,)]


def test_a_reference_to_a_record_of_another_organization_is_refused(database: ClusterDatabase) -> None:
    for name in ("Acme", "Globex"):
        assert database.manage("create_organization", name, "--email", "ada@acme.test").code == 0
    assert database.manage("distribute", *SHARDS).code == 0
    (company_id,) = database.ask("SELECT id FROM companies_company WHERE organization_id = 2")[0]

    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        database.ask("UPDATE people_person SET company_id = %s WHERE organization_id = 1", company_id)
