"""How PostgreSQL checks keys when many records go: by the key's own index, whoever has the records."""

from __future__ import annotations

import pytest
from django.db import connection

from companies.models import Company
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_import, make_person

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
REMOVED = 20


def read_scans(table: str) -> dict[str, int]:
    """How often this transaction has gone through the whole table, and how many times each of its indexes was asked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 'all', pg_stat_get_xact_numscans(%s::regclass) UNION ALL"
            " SELECT indexrelid::regclass::text, pg_stat_get_xact_numscans(indexrelid)"
            " FROM pg_index WHERE indrelid = %s::regclass",
            [table, table],
        )
        return dict(cursor.fetchall())


@pytest.mark.parametrize("analyzed", [False, True])
@pytest.mark.parametrize(
    ("table", "referred", "index"),
    [
        ("people_person", Company, "person_company_organization"),
        ("imports_import", Person, "import_creator_organization"),
        ("people_apitoken", Person, "people_apitoken_person_id_"),
    ],
)
def test_who_refers_to_a_record_is_looked_up_by_the_index_of_the_key(
    acme: NewOrganization, table: str, referred: type[Company | Person], index: str, analyzed: bool
) -> None:
    organization = acme.organization
    removed = [
        make_company(organization=organization, name=f"C{number}").pk
        if referred is Company
        else make_person(organization=organization, first_name=f"P{number}").pk
        for number in range(REMOVED + 1)
    ]
    make_import(creator=acme.person)
    name = referred._meta.db_table
    with connection.cursor() as cursor:
        # Planned while there is all but nothing, and then used for what comes.
        cursor.execute(f"DELETE FROM {name} WHERE id = %s", [removed[0]])
        # One company and one person have everything: for PostgreSQL any index would do, if it went by what it counts.
        cursor.execute(MANY_PEOPLE)
        cursor.execute(MANY_IMPORTS)
        if analyzed:
            cursor.execute(f"ANALYZE {table}, {name}")
        before = read_scans(table)
        cursor.execute(f"DELETE FROM {name} WHERE id = ANY(%s)", [removed[1:]])
    after = read_scans(table)

    asked = {where: count - before[where] for where, count in after.items() if count > before[where]}
    ((where, count),) = asked.items()
    assert (where.startswith(index), count) == (True, REMOVED), where


@pytest.mark.parametrize("analyzed", [False, True])
def test_what_records_refer_to_is_looked_up_once_and_by_an_index(acme: NewOrganization, analyzed: bool) -> None:
    make_person(organization=acme.organization, company=acme.person.company)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO companies_company (organization_id, name, default_currency, created_at,"
            " invoice_email_recipients, tag_list) SELECT organization_id, name || number, 'EUR', now(), '{}', '{}'"
            " FROM companies_company, generate_series(1, 3000) AS number"
        )
        if analyzed:
            cursor.execute("ANALYZE companies_company, people_person")
        before = read_scans("companies_company")
        cursor.execute(MANY_PEOPLE)
    after = read_scans("companies_company")

    asked = {where: count - before[where] for where, count in after.items() if count > before[where]}
    assert list(asked.values()) == [1]
    assert "all" not in asked
