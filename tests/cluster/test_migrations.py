"""Migrations apply to a distributed database as to any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import ConnectionHandler

from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from tests.cluster.conftest import ClusterDatabase

# Tables with their kind, columns, constraints and indexes, as the coordinator has them.
SCHEMA = {
    "distributed": "SELECT relname, distribution_column FROM citus_tables JOIN pg_class ON pg_class.oid = table_name",
    "columns": (
        "SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, attstorage,"
        " ARRAY(SELECT option FROM unnest(attoptions) option WHERE option LIKE 'n_distinct=%%'),"
        " pg_get_expr(adbin, adrelid) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"
        " WHERE attnum > 0 AND NOT attisdropped AND relkind = 'r' AND relnamespace = 'public'::regnamespace"
    ),
    "constraints": (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace AND conrelid <> 0"
    ),
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "replica identities": (
        "SELECT relname, relreplident FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    ),
}

# The storage that the parts of two columns have, of which one came with its table and one was added to a table.
STORAGE = (
    "SELECT DISTINCT result FROM run_command_on_shards('{table}', $$SELECT attstorage FROM pg_attribute"
    " WHERE attrelid = '%%s'::regclass AND attname = '{column}'$$)"
)


class Migration(migrations.Migration):
    """Adds a column and an index to a table of tenants, and another one."""

    dependencies = [("companies", "__latest__"), ("organizations", "__latest__")]
    operations = [
        migrations.AddField("company", "stars", models.IntegerField(default=3)),
        migrations.AddIndex("company", models.Index(fields=["organization", "stars"], name="company_stars")),
        migrations.CreateModel(
            "Remark",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                (
                    "organization",
                    models.ForeignKey(
                        "organizations.Organization", models.PROTECT, db_constraint=False, related_name="+"
                    ),
                ),
                ("company", models.ForeignKey("companies.Company", models.CASCADE, db_constraint=False)),
                ("code", models.CharField(max_length=9, unique=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["organization", "id"], name="remark_organization_id"),
                    ForeignKeyConstraint(
                        fields=["organization", "company"],
                        to="companies.Company",
                        to_fields=["organization", "id"],
                        name="remark_of_company",
                    ),
                ]
            },
        ),
    ]


@pytest.fixture
def connection(database: ClusterDatabase, django_db_blocker: Any) -> Iterator[BaseDatabaseWrapper]:
    """A connection of Django to the database, which is distributed and has a company."""
    assert database.manage("create_organization", "Acme", "--email", "ada@acme.test").code == 0
    assert database.manage("distribute", "--shards", 4).code == 0
    names = {"host": "HOST", "port": "PORT", "user": "USER", "dbname": "NAME", "password": "PASSWORD"}
    given = {names[name]: value for name, value in database.parameters.items() if name in names}
    made: Any = ConnectionHandler(
        {"default": {**settings.DATABASES["default"], **given, "ENGINE": "importsvc.postgres.citus"}}
    )
    with django_db_blocker.unblock():
        yield made["default"]
        made["default"].close()


def test_a_column_an_index_and_a_table_are_added_on_all_nodes_and_removed_again(
    connection: BaseDatabaseWrapper, database: ClusterDatabase
) -> None:
    executor = MigrationExecutor(connection)
    before = executor.loader.project_state()
    migration = Migration("9999_remark", "companies")

    with connection.schema_editor() as editor:
        migration.apply(before.clone(), editor)

    assert database.ask("SELECT stars FROM companies_company WHERE organization_id = 1") == [(3,)]

    (company_id,) = database.ask("SELECT id FROM companies_company WHERE organization_id = 1")[0]
    database.ask("INSERT INTO companies_remark (organization_id, company_id, code) VALUES (1, %s, 'a')", company_id)
    placements = "SELECT count(DISTINCT nodeport) FROM citus_shards WHERE table_name = 'companies_remark'::regclass"
    assert database.ask(placements) == [(2,)]
    keys = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'companies_remark'::regclass"
    found = dict(database.ask(f"{keys} AND contype IN ('f', 'p', 'u')"))
    assert found == {
        "companies_remark_code_key": "UNIQUE (organization_id, code)",
        "remark_of_company": (
            "FOREIGN KEY (organization_id, company_id) REFERENCES companies_company(organization_id, id)"
            " ON DELETE RESTRICT"
        ),
        "remark_organization_id": "PRIMARY KEY (organization_id, id)",
    }

    with connection.schema_editor() as editor:
        migration.unapply(before.clone(), editor)

    assert database.ask("SELECT to_regclass('companies_remark')") == [(None,)]


def read_schema(database: ClusterDatabase) -> dict[str, list[tuple[Any, ...]]]:
    return {name: sorted(database.ask(sql), key=repr) for name, sql in SCHEMA.items()}


def test_each_migration_applies_to_a_distributed_database_with_the_same_tables_in_the_end(
    database: ClusterDatabase, make_database: Callable[[str], ClusterDatabase]
) -> None:
    assert database.manage("distribute", "--shards", 4).code == 0
    early = make_database("importsvc_early")
    assert early.manage("migrate", "organizations", "-v0").code == 0
    early.ask("SELECT create_distributed_table('organizations_organization', 'id', shard_count => 4)")
    early.ask("ALTER DATABASE importsvc_early SET citus.multi_shard_modify_mode = 'sequential'")

    outcome = early.manage("migrate", "-v0")

    assert (outcome.code, outcome.err) == (0, "")
    assert read_schema(early) == read_schema(database)
    for table, column in (("files_importfilepart", "content"), ("imports_stagedchunk", "keys")):
        for each in (early, database):
            assert each.ask(STORAGE.format(table=table, column=column)) == [("e",)]
    outcome = early.manage("distribute")
    assert (outcome.code, outcome.out) == (0, "All tables are distributed already.\n")
