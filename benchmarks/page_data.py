"""A large organization for the pages: many imports, and one that created a million people, made by SQL."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.database import execute
from importsvc.imports import services
from importsvc.imports.models import Import
from organizations.models import Organization
from people.services import NewOrganization, create_organization

# Of each import but the large one.
CHANGES = 10
# One in so many people of the large import was edited since.
EDITED_EVERY = 10_000
# Rows of a staged chunk.
_CHUNK = 2_000

_ROWS = {
    "company": [{"name": "Company 0"}],
    "person": [
        {
            "Company": "Company 0",
            "First Name": "John0",
            "Last Name": "Doe",
            "Email": "john0@mail.com",
            "Title": "Clerk",
        },
        {"Company": "Company 0", "First Name": "Ann1", "Last Name": "Roe", "Email": "ann1@mail.com", "Title": "Chief"},
    ],
}


@dataclass(frozen=True)
class Data:
    """What was made: the organization, its large import, and the numbers of imports and changes."""

    tenant: NewOrganization
    large: Import
    imports: int
    people: int


def make_data(*, people: int, imports: int) -> Data:
    """An import that created so many people, and so many imports that each updated ten of them."""
    tenant = create_organization(name="Pages", email="pages@example.com")
    large = _import_sample(tenant)
    _fill_large(tenant.organization, large, people)
    _add_imports(tenant, large, imports, people)
    execute(
        "VACUUM ANALYZE people_person, changelog_change, changelog_createdchunk, imports_import, imports_stagedchunk,"
        " companies_company"
    )
    execute("CHECKPOINT")
    return Data(tenant, Import.objects.get(pk=large.pk), imports, people)


def _import_sample(tenant: NewOrganization) -> Import:
    """A real import of two people, whose records, changes and chunk are the pattern for the others."""
    import_ = services.create_import(organization=tenant.organization, creator=tenant.person, import_data=_ROWS)
    services.run_import(organization=tenant.organization, import_id=import_.pk)
    return import_


def _fill_large(organization: Organization, large: Import, people: int) -> None:
    """Give the import the people, their changes and their staged rows that it lacks."""
    scope = f"organization_id = {organization.pk}"
    person = execute(f"SELECT max(id) FROM people_person WHERE {scope}")[0][0]
    columns = [
        name
        for (name,) in execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'people_person'"
            " AND column_name NOT IN ('id', 'first_name', 'email')"
        )
    ]
    listed = ", ".join(f'"{name}"' for name in columns)
    execute(
        f"INSERT INTO people_person (first_name, email, {listed})"
        f" SELECT 'John' || n, 'john' || n || '@mail.com', {listed} FROM people_person, generate_series(2, {people}) n"
        f" WHERE {scope} AND id = {person}"
    )
    of_large = f"{scope} AND import_id = {large.pk}"
    execute(
        "INSERT INTO changelog_createdchunk (organization_id, import_id, record_type, block, record_count, first_id,"
        " last_id, record_ids, rows, columns, after)"
        " SELECT organization_id, import_id, record_type, nextval('changelog_block'), count(*), min(id), max(id),"
        "  array_agg(id ORDER BY id), array_agg(row ORDER BY id), columns, json_agg(given ORDER BY id)"
        " FROM (SELECT sample.organization_id, import_id, record_type, columns, record.id,"
        f"   record.id - {person} + 2 AS row, (after -> 1)::jsonb"
        "     || jsonb_build_object('first_name', record.first_name, 'email', record.email) AS given"
        f"  FROM (SELECT * FROM changelog_createdchunk WHERE {of_large} AND record_type = 'person') AS sample,"
        "   people_person AS record"
        f"  WHERE record.organization_id = {organization.pk} AND record.id > {person}) AS made"
        " GROUP BY organization_id, import_id, record_type, columns, (row - 3) / 2000 ORDER BY min(id)"
    )
    execute(
        f"UPDATE imports_import SET counts = jsonb_set(counts, '{{person,created}}', '{people}') WHERE id = {large.pk}"
    )
    execute(
        "INSERT INTO imports_stagedchunk (organization_id, import_id, number, record_type, first_row, row_count, rows,"
        " size)"
        f" SELECT organization_id, import_id, number + n, record_type, 1 + n * {_CHUNK}, {_CHUNK},"
        "  ('[' || repeat(text || ',', 999) || text || ']')::json, length(text) * 1000 FROM"
        "  (SELECT *, substr(rows::text, 2, length(rows::text) - 2) AS text FROM imports_stagedchunk"
        f"   WHERE {of_large} AND record_type = 'person') AS sample, generate_series(1, {people // _CHUNK}) n"
    )
    execute(f"UPDATE people_person SET title = 'Chief of ' || id WHERE {scope} AND id % {EDITED_EVERY} = 0")


def _add_imports(tenant: NewOrganization, large: Import, imports: int, people: int) -> None:
    scope = f"organization_id = {tenant.organization.pk}"
    execute(
        "INSERT INTO imports_import (organization_id, creator_id, shared_values, counts, created_at, started_at,"
        f" processed_at, reverted_at) SELECT {tenant.organization.pk}, {tenant.person.pk}, '{{}}',"
        f' \'{{"person": {{"created": 0, "updated": {CHANGES}, "unchanged": 0, "skipped": 0}}}}\', at, at,'
        " CASE WHEN n % 10 < 8 THEN at + interval '1 second' END, CASE WHEN n % 10 = 0 THEN at + interval '1 hour' END"
        f" FROM (SELECT n, now() - n * interval '4 minutes' AS at FROM generate_series(1, {imports}) n) AS days"
    )
    execute(
        "INSERT INTO changelog_change"
        " (id, organization_id, import_id, record_type, record_id, row, action, before, after)"
        " SELECT 4096 * nextval('changelog_block'), organization_id, import_id, 'person',"
        f" first + (number * 7919 + n * 104729) % {people},"
        ' n, \'updated\', \'{"title": "Clerk"}\', \'{"title": "Chief"}\''
        " FROM (SELECT organization_id, id AS import_id, row_number() OVER (ORDER BY id) AS number"
        f"  FROM imports_import WHERE {scope} AND id > {large.pk} AND processed_at IS NOT NULL) AS imports,"
        f" generate_series(1, {CHANGES}) n,"
        f" (SELECT max(id) - {people} + 1 AS first FROM people_person WHERE {scope}) AS people ON CONFLICT DO NOTHING"
    )
