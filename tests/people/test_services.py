"""The services behind the commands: what they promise in addition."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from companies.models import Company
from organizations.models import Organization
from people.models import ApiToken, Person
from people.services import NewOrganization, create_organization, create_token, find_person
from tests.builders import make_company, make_organization, make_person


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"email": "ada"}, "email"),
        ({"email": " "}, "email"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
    ],
)
def test_an_organization_with_an_invalid_value_is_not_created_in_part(wrong: dict[str, str], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        create_organization(**{"name": "Acme", "email": "ada@acme.test", **wrong})

    assert list(caught.value.message_dict) == [field]
    assert not Organization.objects.exists()
    assert not Company.objects.exists()
    assert not Person.objects.exists()


def test_a_person_is_found_by_address_whatever_its_case_but_only_in_the_organization(acme: NewOrganization) -> None:
    make_person(organization=acme.organization, email="Zoë@Acme.test")
    globex = make_organization(name="Globex")

    assert find_person(organization_id=acme.organization.pk, email=" ZOË@ACME.TEST ").email == "Zoë@Acme.test"
    with pytest.raises(Person.DoesNotExist):
        find_person(organization_id=globex.organization.pk, email="zoë@acme.test")


def test_the_database_has_the_prefix_of_a_token_and_a_hash_but_not_the_token(acme: NewOrganization) -> None:
    token = create_token(person=acme.person)

    stored = ApiToken.objects.values().get(prefix=token[:8])
    assert stored["hashed_key"].startswith("sha512$$")
    assert not [value for value in stored.values() if token[9:] in str(value)]


def test_no_path_leads_a_person_into_another_organizations_company(acme: NewOrganization) -> None:
    globex = make_organization(name="Globex")
    theirs = make_company(organization=globex.organization, name="Theirs")

    with pytest.raises(IntegrityError, match="person_company_of_same_organization"), transaction.atomic():
        Person.objects.filter(pk=acme.person.pk).update(company=theirs)


def test_two_people_of_an_organization_cannot_have_one_address(acme: NewOrganization) -> None:
    with pytest.raises(IntegrityError, match="person_email_organization"), transaction.atomic():
        make_person(organization=acme.organization, email="ADA@acme.test")
    make_person(organization=make_organization(name="Globex").organization, email="ADA@acme.test")
