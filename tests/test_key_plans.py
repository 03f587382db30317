"""How PostgreSQL checks foreign keys when many records go: by the key's own index, whoever has the records."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from companies.models import Company
from importsvc.engine.copying import forget_plans
from importsvc.engine.removing import count_rows
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_import

MANY_PEOPLE = """
    INSERT INTO people_person (organization_id, company_id, first_name, is_user, tag_list, virtual, autotracking,
        created_at, placeholder, private_custom_reports_used)
    SELECT organization_id, company_id, 'Ann', false, '{}', false, false, now(), false, 0
    FROM people_person, generate_series(1, 3000)
"""
MANY_IMPORTS = """
    INSERT INTO imports_import (organization_id, creator_id, import_data, shared_values, created_at)
    SELECT organization_id, creator_id, '', '{}', now() FROM imports_import, generate_series(1, 3000)
"""


@pytest.mark.parametrize(
    ("table", "column", "index"),
    [
        ("people_person", "company_id", "person_company_organization"),
        ("imports_import", "creator_id", "import_creator_organization"),
    ],
)
def test_who_refers_to_a_record_is_looked_up_by_the_index_of_the_key(
    acme: NewOrganization, table: str, column: str, index: str
) -> None:
    make_import(creator=acme.person)
    referred = Company if column == "company_id" else Person
    with connection.cursor() as cursor:
        # One company and one person have everything: for PostgreSQL any index would do, if it went by what it counts.
        cursor.execute(MANY_PEOPLE)
        cursor.execute(MANY_IMPORTS)
        count_rows(referred)
        forget_plans()
        # The statement of PostgreSQL's own trigger (its ri_triggers.c).
        cursor.execute(
            f"PREPARE check_key (bigint, bigint) AS SELECT 1 FROM ONLY {table} x WHERE"
            f" $1 OPERATOR(pg_catalog.=) organization_id AND $2 OPERATOR(pg_catalog.=) {column} FOR KEY SHARE OF x"
        )
        cursor.execute("EXPLAIN (FORMAT JSON) EXECUTE check_key (1, 2)")
        (explained,) = cursor.fetchone()
        cursor.execute("DEALLOCATE check_key")

    (scan,) = (explained if isinstance(explained, list) else json.loads(explained))[0]["Plan"]["Plans"]
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", index)
