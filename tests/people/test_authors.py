"""A person that acts is an author, to whom the keys of what it creates refer; other people are not."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import connection

from importsvc.files.models import ImportFile, ImportModel
from importsvc.import_sessions.models import ImportSession
from importsvc.imports.models import Import
from importsvc.operations.models import Operation
from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from importsvc.postgres.foreign_keys import find_direct_keys
from importsvc.webhooks.models import WebhookEndpoint
from organizations.tenancy import TenantForeignKey
from people.author_key import AuthorForeignKey
from people.models import ApiToken, Author, Person
from people.services import NewOrganization, create_token
from tests.builders import make_import, make_organization, make_person

FIELDS = {
    (ApiToken, "person"),
    (Import, "creator"),
    (ImportFile, "creator"),
    (ImportModel, "creator"),
    (ImportSession, "creator"),
    (ImportSession, "person"),
    (Operation, "creator"),
    (WebhookEndpoint, "creator"),
}


def test_each_field_whose_key_refers_to_authors_makes_them() -> None:
    found = {
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.fields
        if type(field) is AuthorForeignKey
    }
    keyed = {
        (model, key.fields[1])
        for model in apps.get_models()
        for key in model._meta.constraints
        if isinstance(key, ForeignKeyConstraint) and key.to == "people.Author"
    }

    assert found == keyed == FIELDS


def test_no_field_refers_to_people_past_their_authors() -> None:
    others = {
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.fields
        if isinstance(field, TenantForeignKey)
        and field.related_model is Person
        and not isinstance(field, AuthorForeignKey)
    }
    assert others == {(Author, "person")}


def test_the_removal_of_a_person_is_checked_by_one_key(db: None) -> None:
    assert [(key.table, key.model) for key in find_direct_keys(Person)] == [("people_author", Author)]


def test_a_person_becomes_an_author_when_it_gets_a_token_or_creates_something(acme: NewOrganization) -> None:
    grace, ida, zoe = (make_person(organization=acme.organization) for _ in range(3))
    assert list(Author.objects.values_list("person_id", flat=True)) == [acme.person.pk]

    create_token(person=grace)
    make_import(creator=ida)
    make_import(creator=ida)

    authors = Author.objects.order_by("person_id").values_list("organization_id", "person_id")
    assert list(authors) == [(acme.organization.pk, person.pk) for person in (acme.person, grace, ida)]
    assert zoe.pk > ida.pk


def test_an_author_goes_with_its_person(acme: NewOrganization) -> None:
    grace = make_person(organization=acme.organization)
    create_token(person=grace)

    grace.delete()

    assert list(Author.objects.values_list("person_id", flat=True)) == [acme.person.pk]


def test_an_author_whose_person_is_removed_by_sql_goes_with_it(acme: NewOrganization) -> None:
    grace = make_person(organization=acme.organization)
    create_token(person=grace)
    ApiToken.objects.filter(person=grace).delete()

    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM people_person WHERE organization_id = %s AND id = %s", [acme.organization.pk, grace.pk]
        )

    assert list(Author.objects.values_list("person_id", flat=True)) == [acme.person.pk]


def test_a_form_accepts_a_person_that_is_not_yet_an_author_and_refuses_one_of_another_organization(
    acme: NewOrganization,
) -> None:
    grace, stranger = make_person(organization=acme.organization), make_organization(name="Globex").person
    Import(organization=acme.organization, creator=grace).validate_constraints()

    with pytest.raises(ValidationError, match="import_creator_of_same_organization"):
        Import(organization=acme.organization, creator=stranger).validate_constraints()
