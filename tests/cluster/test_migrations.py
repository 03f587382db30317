"""Migrations apply to a distributed database as to any other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import ConnectionHandler

from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from tests.cluster.conftest import ClusterDatabase


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
        ),
        "remark_organization_id": "PRIMARY KEY (organization_id, id)",
    }

    with connection.schema_editor() as editor:
        migration.unapply(before.clone(), editor)

    assert database.ask("SELECT to_regclass('companies_remark')") == [(None,)]
