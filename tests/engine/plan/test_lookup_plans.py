"""Lookups read the index of the column, and no table that was emptied: its pages stay in its file."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from importsvc.engine.plan.lookups import read_lookups
from importsvc.engine.plan.plan import Questions
from people.services import NewOrganization
from tests.builders import make_company, make_organization

TABLE = "companies_company"
VALUES = [f"removed {number}" for number in range(50)]

MANY_COMPANIES = f"""
    INSERT INTO {TABLE} (organization_id, name, default_currency, created_at, invoice_email_recipients, tag_list)
    SELECT %s, %s || number, 'EUR', now(), '{{}}', '{{}}' FROM generate_series(1, 5000) AS number
"""


def execute(sql: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def read_scans() -> dict[str, int]:
    """The numbers of this transaction's scans of the whole table and of each of its indexes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 'all', pg_stat_get_xact_numscans(%s::regclass) UNION ALL"
            " SELECT indexrelid::regclass::text, pg_stat_get_xact_numscans(indexrelid)"
            " FROM pg_index WHERE indrelid = %s::regclass",
            [TABLE, TABLE],
        )
        return dict(cursor.fetchall())


@pytest.mark.one_server("each node counts the scans of its own part of a table")
@pytest.mark.parametrize("lock", [False, True])
@pytest.mark.parametrize("left", [1, 2, 3, 5])
@pytest.mark.parametrize("analyzed", ["before", "after"])
def test_no_lookup_scans_all_pages_of_a_table_that_was_emptied(
    acme: NewOrganization, analyzed: str, left: int, lock: bool
) -> None:
    for number in range(1, left):  # the organization has one company already
        make_company(organization=acme.organization, name=f"Left {number}")
    execute(MANY_COMPANIES, acme.organization.pk, "Removed ")
    if analyzed == "before":
        execute(f"ANALYZE {TABLE}")
    execute(f"DELETE FROM {TABLE} WHERE name LIKE 'Removed %%'")
    if analyzed == "after":
        execute(f"ANALYZE {TABLE}")
    # Stands for indexes that grew with many imports and reverts: PostgreSQL expects to read all of their pages.
    execute("SET LOCAL random_page_cost = 40")
    before = read_scans()

    questions = Questions(taken={("company", "name"): set(VALUES)}, found={("company", "name"): set(VALUES)})
    lookups = read_lookups(acme.organization.pk, questions, lock=lock)

    after = read_scans()
    assert after["all"] == before["all"]
    assert sum(after.values()) - sum(before.values()) == 2 * len(VALUES)
    assert (lookups.taken, lookups.found) == ({("company", "name"): {}}, {("company", "name"): {}})


@pytest.mark.one_server("each node counts the scans of its own part of a table")
@pytest.mark.parametrize("column", ["name", "external_id"])
@pytest.mark.parametrize("lock", [False, True])
def test_values_are_looked_up_by_the_index_of_their_column_if_the_statistics_know_other_organizations_only(
    acme: NewOrganization, column: str, lock: bool
) -> None:
    # Long values that begin alike make the index of the column deeper than others, and so dearer for one record.
    prefix = "x" * 200
    other = make_organization(name="Globex").organization
    execute(MANY_COMPANIES, other.pk, prefix)
    execute(f"UPDATE {TABLE} SET external_id = name")
    execute(f"ANALYZE {TABLE}")
    execute(MANY_COMPANIES, acme.organization.pk, prefix)
    execute(f"UPDATE {TABLE} SET external_id = name WHERE external_id IS NULL")
    before = read_scans()

    values = {f"{prefix}{number}" for number in range(1, 51)}
    lookups = read_lookups(acme.organization.pk, Questions(taken={("company", column): values}), lock=lock)

    after = read_scans()
    index = {"name": "company_name_organization", "external_id": "company_external_id_organization"}[column]
    assert {where: count - before[where] for where, count in after.items() if count > before[where]} == {index: 50}
    assert len(lookups.taken["company", column]) == 50
