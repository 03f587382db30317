"""A foreign key of several columns is declared like Django's own constraints, and is PostgreSQL's own."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.writer import MigrationWriter

import importsvc.postgres.foreign_key_constraint
from companies.models import Company
from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_organization, make_person
from tests.foreign_keys import COMPANY, KEYS, add_key, drop_key, read_keys
from tests.interleaving import ask

DECLARED: dict[str, Any] = KEYS[COMPANY][1].deconstruct()[2]


@pytest.fixture
def grace(acme: NewOrganization) -> Person:
    """A person without a company."""
    return make_person(organization=acme.organization)


@pytest.mark.parametrize("name", KEYS)
def test_a_migration_writes_the_key_as_it_is_declared(name: str) -> None:
    _, key = KEYS[name]
    text, imports = MigrationWriter.serialize(key)

    again = eval(text, {"importsvc": importsvc})  # noqa: S307 - as in a migration

    assert imports == {"import importsvc.postgres.foreign_key_constraint"}
    assert again == key
    assert again is not key
    assert key.clone() == key


def test_keys_are_equal_if_all_that_is_declared_is_equal() -> None:
    key = KEYS[COMPANY][1]
    different: list[dict[str, Any]] = [
        {"fields": ["company"], "to_fields": ["id"]},
        {"to": "people.Person"},
        {"to_fields": ["id", "organization"]},
        {"name": "other"},
    ]

    assert ForeignKeyConstraint(**DECLARED) == key
    assert [ForeignKeyConstraint(**{**DECLARED, **other}) == key for other in different] == [False] * len(different)
    assert key != "key"
    assert key.deconstruct()[0] == "importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint"


@pytest.mark.parametrize(("fields", "to_fields"), [([], []), (["company"], []), (["company"], ["organization", "id"])])
def test_a_key_refers_to_as_many_fields_as_it_has(fields: list[str], to_fields: list[str]) -> None:
    with pytest.raises(ValueError, match="A foreign key has fields, and refers to as many fields"):
        ForeignKeyConstraint(fields=fields, to="companies.Company", to_fields=to_fields, name="key")


def test_a_changed_key_is_a_migration() -> None:
    state = MigrationLoader(None).project_state()
    changed = state.clone()
    model = changed.models["people", "person"]
    other = ForeignKeyConstraint(**{**DECLARED, "fields": ["company"], "to_fields": ["id"]})
    model.options["constraints"] = [
        other if constraint.name == COMPANY else constraint for constraint in model.options["constraints"]
    ]

    changes = MigrationAutodetector(state, changed).changes(MigrationLoader(None).graph)

    described = [operation.describe() for operation in changes["people"][0].operations]
    assert described == [
        f"Remove constraint {COMPANY} from model person",
        f"Create constraint {COMPANY} on model person",
    ]


@pytest.mark.parametrize("name", KEYS)
def test_a_key_can_be_dropped_and_added_again(db: None, name: str) -> None:
    before = read_keys()

    drop_key(name)
    without = read_keys()
    add_key(name)

    assert without == {other: key for other, key in before.items() if other != name}
    assert read_keys() == before


def test_the_tables_of_a_migration_are_made_before_their_keys(db: None) -> None:
    """For example when a migration creates the referring model first."""
    state = MigrationLoader(None).project_state()
    person, company = (state.apps.get_model(name) for name in ("people.Person", "companies.Company"))
    before = read_keys()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE people_person, companies_company CASCADE")

    with connection.schema_editor() as editor:
        editor.create_model(person)
        editor.create_model(company)

    made = {"person_organization_exists", "company_organization_exists", COMPANY}
    dropped_with_people = {"author_of_person"}
    assert read_keys().keys() >= made
    assert read_keys() == {name: key for name, key in before.items() if name not in dropped_with_people}


def test_a_key_is_not_added_where_a_row_violates_it(acme: NewOrganization, grace: Person) -> None:
    drop_key(COMPANY)
    missing = Company.objects.latest("id").pk + 1_000
    Person.objects.filter(pk=grace.pk).update(company_id=missing)

    detail = re.escape(f"Key (organization_id, company_id)=({acme.organization.pk}, {missing}) is not present in table")
    with pytest.raises(IntegrityError, match=rf'{detail} "companies_company(_\d+)?"\.'):
        add_key(COMPANY)


def test_a_form_refuses_values_that_violate_the_key(acme: NewOrganization, grace: Person) -> None:
    grace.company = make_company(organization=make_organization().organization, name="Theirs")

    with pytest.raises(ValidationError) as caught:
        grace.validate_constraints()

    assert caught.value.message_dict == {"__all__": [f"Constraint “{COMPANY}” is violated."]}
    grace.validate_constraints(exclude={"company"})
    for company_or_none in (make_company(organization=acme.organization, name="Ours"), None):
        grace.company = company_or_none
        grace.validate_constraints()


def test_a_violation_names_the_key_and_ends_with_the_statement(acme: NewOrganization, grace: Person) -> None:
    theirs = make_company(organization=make_organization().organization, name="Theirs")

    key = rf'on table "people_person(_\d+)?" violates foreign key constraint "{COMPANY}(_\d+)?"'
    with pytest.raises(IntegrityError, match=key):
        ask("UPDATE people_person SET company_id = %s WHERE id = %s RETURNING id", theirs.pk, grace.pk)
