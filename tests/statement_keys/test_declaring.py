"""A key that is checked once for a statement is declared like Django's own constraints."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.writer import MigrationWriter

import importsvc.postgres.statement_keys
from companies.models import Company
from importsvc.postgres.statement_keys import StatementForeignKey
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_organization
from tests.statement_keys.keys import COMPANY, KEYS, assert_refused, drop_key, execute, make_key, still_referred

# Of each key: the table that has it, the columns, the table and the columns referred to.
DECLARED = {
    "company_organization_exists": ("companies_company", {"organization_id": "id"}, "organizations_organization"),
    "person_organization_exists": ("people_person", {"organization_id": "id"}, "organizations_organization"),
    COMPANY: (
        "people_person",
        {"organization_id": "organization_id", "company_id": "id"},
        "companies_company",
    ),
    "token_person_exists": ("people_apitoken", {"person_id": "id"}, "people_person"),
    "import_creator_of_same_organization": (
        "imports_import",
        {"organization_id": "organization_id", "creator_id": "id"},
        "people_person",
    ),
    "change_of_import": (
        "changelog_change",
        {"organization_id": "organization_id", "import_id": "id"},
        "imports_import",
    ),
    "staged_part_of_import": ("imports_stagedpart", {"import_id": "id"}, "imports_import"),
}


def test_these_are_the_keys_and_what_they_refer_to() -> None:
    assert {
        name: (model._meta.db_table, dict(key.get_columns(model)), key.get_referred(model)._meta.db_table)
        for name, (model, key) in KEYS.items()
    } == DECLARED


@pytest.mark.parametrize("name", DECLARED)
def test_the_database_has_five_triggers_for_each_key_and_no_foreign_key_beside_them(db: None, name: str) -> None:
    table, _, referred = DECLARED[name]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE tgname ^@ %s AND tgname ~ '_[a-z]+$'"
            " AND tgrelid::regclass::text = ANY(%s) ORDER BY tgname",
            [f"{name}_", [table, referred]],
        )
        triggers = dict(cursor.fetchall())
        cursor.execute(
            "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass"
            " AND confrelid = %s::regclass",
            [table, referred],
        )
        (foreign_keys,) = cursor.fetchone()

    assert triggers == {
        f"{name}_added": table,
        f"{name}_changed": table,
        f"{name}_emptied": referred,
        f"{name}_moved": referred,
        f"{name}_removed": referred,
    }
    assert foreign_keys == 0


@pytest.mark.parametrize("name", DECLARED)
def test_a_migration_writes_the_key_as_it_is_declared(name: str) -> None:
    _, key = KEYS[name]
    text, imports = MigrationWriter.serialize(key)

    again = eval(text, {"importsvc": importsvc})  # noqa: S307 - as in a migration

    assert imports == {"import importsvc.postgres.statement_keys"}
    assert again == key
    assert hash(again) == hash(key)
    assert again is not key
    assert key.clone() == key


def test_another_key_is_another_key() -> None:
    _, key = KEYS[COMPANY]
    path, _, declared = key.deconstruct()
    others: list[dict[str, Any]] = [
        {"fields": ["company"], "to_fields": ["id"]},
        {"to": "people.Person"},
        {"to_fields": ["id", "organization"]},
        {"name": "other"},
        {"violation_error_code": "other"},
        {"violation_error_message": "Other"},
    ]

    assert path == "importsvc.postgres.statement_keys.StatementForeignKey"
    assert [StatementForeignKey(**{**declared, **other}) == key for other in others] == [False] * len(others)
    assert key != "key"
    assert repr(key) == (
        "<StatementForeignKey: person_company_of_same_organization ('organization', 'company')"
        " to companies.Company ('organization', 'id')>"
    )


@pytest.mark.parametrize(("fields", "to_fields"), [([], []), (["company"], []), (["company"], ["organization", "id"])])
def test_a_key_refers_to_as_many_fields_as_it_has(fields: list[str], to_fields: list[str]) -> None:
    with pytest.raises(ValueError, match="A key has fields, and refers to as many"):
        StatementForeignKey(fields=fields, to="companies.Company", to_fields=to_fields, name="key")


@pytest.mark.parametrize("name", ["", "k" * 56, "Key", "1key", "key-1", "key;", "schlüssel"])
def test_a_key_has_a_name_that_its_triggers_can_begin_with(name: str) -> None:
    with pytest.raises(ValueError, match="A key's name has at most 55 lower-case letters, digits and underscores"):
        StatementForeignKey(fields=["company"], to="companies.Company", to_fields=["id"], name=name)


def test_a_key_may_have_a_name_of_55_characters() -> None:
    key = StatementForeignKey(fields=["company"], to="companies.Company", to_fields=["id"], name="k" * 55)

    assert key.name == "k" * 55


def test_a_changed_key_is_a_migration() -> None:
    state = MigrationLoader(None).project_state()
    changed = state.clone()
    model = changed.models["people", "person"]
    _, _, declared = KEYS[COMPANY][1].deconstruct()
    other = StatementForeignKey(**{**declared, "fields": ["company"], "to_fields": ["id"]})
    model.options["constraints"] = [
        other if constraint.name == COMPANY else constraint for constraint in model.options["constraints"]
    ]

    changes = MigrationAutodetector(state, changed).changes(MigrationLoader(None).graph)

    described = [operation.describe() for operation in changes["people"][0].operations]
    assert described == [
        f"Remove constraint {COMPANY} from model person",
        f"Create constraint {COMPANY} on model person",
    ]


def test_a_key_is_made_where_it_holds(employee: Person) -> None:
    drop_key(COMPANY)
    make_key(COMPANY)

    assert_refused(
        lambda: execute("DELETE FROM companies_company WHERE id = %s", employee.company_id),
        still_referred(employee.organization_id, employee.company_id or 0),
    )


def test_a_key_is_not_made_where_it_does_not_hold(acme: NewOrganization, company: Company, grace: Person) -> None:
    drop_key(COMPANY)
    Person.objects.filter(pk=grace.pk).update(company_id=company.pk + 1_000)

    with pytest.raises(IntegrityError, match="people_person refers to what is not in companies_company") as caught:
        make_key(COMPANY)

    cause: Any = caught.value.__cause__
    assert cause.diag.message_detail == (
        f"Key (organization_id, company_id): {acme.organization.pk}, {company.pk + 1_000}"
    )


def test_rows_are_not_looked_at_where_a_foreign_key_holds_already(employee: Person) -> None:
    drop_key(COMPANY)
    execute(
        "ALTER TABLE people_person ADD CONSTRAINT plain FOREIGN KEY (organization_id, company_id)"
        " REFERENCES companies_company (organization_id, id)"
    )
    scanned = count_scans("people_person")

    make_key(COMPANY)

    assert count_scans("people_person") == scanned


def count_scans(table: str) -> int:
    """How often this transaction went through a whole table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = %s", [table])
        return int(cursor.fetchone()[0])


def test_a_form_says_what_the_database_would_say(company: Company, grace: Person) -> None:
    theirs = make_company(organization=make_organization().organization, name="Theirs")
    grace.company = theirs

    with pytest.raises(ValidationError) as caught:
        grace.validate_constraints()

    assert caught.value.message_dict == {"__all__": [f"Constraint “{COMPANY}” is violated."]}
    grace.validate_constraints(exclude={"company"})
    for company_or_none in (company, None):
        grace.company = company_or_none
        grace.validate_constraints()
