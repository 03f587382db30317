"""PostgreSQL checks foreign keys by the index of the key's columns when many records are written or removed."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from companies.models import Company
from importsvc.engine.revert.delete import analyze_tables
from importsvc.postgres.plan_cache import force_generic_plans
from people.models import Author, Person
from people.services import NewOrganization
from tests.builders import make_company, make_import, make_person

pytestmark = pytest.mark.one_server("each node counts the scans of its own part of a table")

MANY_PEOPLE = """
    INSERT INTO people_person (organization_id, company_id, first_name, is_user, tag_list, virtual, autotracking,
        created_at, placeholder, private_custom_reports_used)
    SELECT organization_id, company_id, 'Ann', false, '{}', false, false, now(), false, 0
    FROM people_person, generate_series(1, 3000)
"""
MANY_IMPORTS = """
    INSERT INTO imports_import (organization_id, creator_id, shared_values, created_at)
    SELECT organization_id, creator_id, '{}', now() FROM imports_import, generate_series(1, 3000)
"""
MANY_COMPANIES = """
    INSERT INTO companies_company (organization_id, name, default_currency, created_at, invoice_email_recipients,
        tag_list)
    SELECT organization_id, name || number, 'EUR', now(), '{}', '{}'
    FROM companies_company, generate_series(1, 3000) AS number
"""
REMOVED = 20


def execute(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def read_scans(table: str) -> dict[str, int]:
    """The numbers of this transaction's scans of the whole table and of each of its indexes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 'all', pg_stat_get_xact_numscans(%s::regclass) UNION ALL"
            " SELECT indexrelid::regclass::text, pg_stat_get_xact_numscans(indexrelid)"
            " FROM pg_index WHERE indrelid = %s::regclass",
            [table, table],
        )
        return dict(cursor.fetchall())


# When the referring table was last analyzed: never, while nearly empty, or now.
@pytest.mark.parametrize("analyzed", ["never", "empty", "full"])
@pytest.mark.parametrize(
    ("table", "referred", "index"),
    [
        ("people_person", Company, "person_company_organization"),
        ("people_author", Person, "people_author_pkey"),
        ("imports_import", Author, "import_creator_organization"),
        ("people_apitoken", Author, "token_person_organization"),
    ],
)
def test_the_rows_that_refer_to_a_record_are_looked_up_by_the_index_of_the_key(
    acme: NewOrganization, table: str, referred: type[Company | Person | Author], index: str, analyzed: str
) -> None:
    organization = acme.organization
    removed = [
        make_company(organization=organization, name=f"C{number}").pk
        if referred is Company
        else make_person(organization=organization, first_name=f"P{number}").pk
        for number in range(REMOVED + 1)
    ]
    make_import(creator=acme.person)
    name, column = referred._meta.db_table, "person_id" if referred is Author else "id"
    if referred is Author:
        Author.objects.bulk_create(Author(organization=organization, person_id=pk) for pk in removed)
    if analyzed == "empty":
        execute(f"ANALYZE {table}, {name}")
    # Planned while the tables are nearly empty; the session would keep this plan.
    execute(f"DELETE FROM {name} WHERE {column} = %s", removed[0])
    # All rows refer to one company and one person, so that the statistics favour no index.
    execute(MANY_PEOPLE)
    execute(MANY_IMPORTS)
    if analyzed == "full":
        execute(f"ANALYZE {table}, {name}")
    before = read_scans(table)

    force_generic_plans()
    analyze_tables(Person if referred is Author else referred)
    execute(f"DELETE FROM {name} WHERE {column} = ANY(%s)", removed[1:])

    after = read_scans(table)
    assert {where: count - before[where] for where, count in after.items() if count > before[where]} == {index: REMOVED}


@pytest.mark.parametrize("analyzed", ["never", "empty", "full"])
def test_the_records_that_rows_refer_to_are_looked_up_by_an_index(acme: NewOrganization, analyzed: str) -> None:
    if analyzed == "empty":
        execute("ANALYZE companies_company")
    make_person(organization=acme.organization, company=acme.person.company)
    force_generic_plans()
    execute(MANY_COMPANIES)
    if analyzed == "full":
        execute("ANALYZE companies_company")
    before = read_scans("companies_company")

    execute(MANY_PEOPLE)

    after = read_scans("companies_company")
    people = Person.objects.filter(first_name="Ann").count()
    scans = {where: count - before[where] for where, count in after.items() if count > before[where]}
    # Without statistics PostgreSQL may choose an index with another column first, and skip over that: it counts two.
    assert list(scans.values()) in ([people], [2 * people]), scans
    assert after["all"] == before["all"]
