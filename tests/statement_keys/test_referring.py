"""Nothing refers to what is not there, or to what another organization has."""

from __future__ import annotations

import pytest

from companies.models import Company
from people.models import ApiToken, Person
from people.services import NewOrganization
from tests.builders import make_company, make_import, make_organization
from tests.statement_keys.keys import (
    REFERRING,
    Refer,
    assert_refused,
    by_update,
    execute,
    many_at_once,
    not_there,
)


@pytest.mark.parametrize("refer", REFERRING)
def test_what_is_there_can_be_referred_to(acme: NewOrganization, company: Company, grace: Person, refer: Refer) -> None:
    other = make_company(organization=acme.organization, name="Blues")

    refer([(acme.organization.pk, each) for each in (company.pk, other.pk, None, company.pk)])

    expected = [company.pk] if refer is by_update else [company.pk, other.pk, None, company.pk]
    others = [acme.person.pk] if refer is by_update else [acme.person.pk, grace.pk]
    found = Person.objects.exclude(pk__in=others)
    assert list(found.order_by("id").values_list("company", flat=True)) == expected


@pytest.mark.parametrize("refer", REFERRING)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_is_not_there_cannot_be_referred_to_among_good_ones_too(
    company: Company, grace: Person, refer: Refer, place: int
) -> None:
    organization_id, missing = company.organization_id, company.pk + 1_000
    keys = [(organization_id, company.pk)] * 2
    keys.insert(place, (organization_id, missing))

    assert_refused(lambda: refer(keys), not_there(organization_id, missing))
    assert_refused(lambda: refer([(organization_id, missing)]), not_there(organization_id, missing))


@pytest.mark.parametrize("refer", REFERRING)
def test_another_organizations_record_cannot_be_referred_to(company: Company, grace: Person, refer: Refer) -> None:
    other = make_organization()
    theirs = make_company(organization=other.organization, name="Theirs")

    for key in ((company.organization_id, theirs.pk), (other.organization.pk, company.pk)):
        assert_refused(lambda key=key: refer([key]), not_there(*key))  # type: ignore[misc]


def test_an_organization_must_exist(acme: NewOrganization) -> None:
    missing = acme.organization.pk + 1_000
    for table, key, work in (
        ("people_person", "person_organization_exists", lambda: many_at_once([(missing, None)])),
        (
            "companies_company",
            "company_organization_exists",
            lambda: Company.objects.create(organization_id=missing, name="Reds"),
        ),
    ):
        message = f"{table} refers to what is not in organizations_organization. Key (organization_id): {missing}"
        assert_refused(work, message, table=table, key=key)


def test_tokens_and_imports_are_somebodys(acme: NewOrganization) -> None:
    other = make_organization()
    nobody = Person(pk=acme.person.pk + 1_000, organization=acme.organization)
    theirs = Person(pk=other.person.pk, organization=acme.organization)
    for creator in (nobody, theirs):
        assert_refused(
            lambda creator=creator: make_import(creator=creator),  # type: ignore[misc]
            "imports_import refers to what is not in people_person."
            f" Key (organization_id, creator_id): {acme.organization.pk}, {creator.pk}",
            table="imports_import",
            key="import_creator_of_same_organization",
        )
    assert_refused(
        lambda: ApiToken.objects.create_key(person=nobody, name="nobody's"),
        f"people_apitoken refers to what is not in people_person. Key (person_id): {nobody.pk}",
        table="people_apitoken",
        key="token_person_exists",
    )


def test_nothing_written_is_nothing_refused(employee: Person) -> None:
    execute("INSERT INTO people_person SELECT * FROM people_person WHERE false")
    execute("UPDATE people_person SET company_id = NULL WHERE false")
    execute("DELETE FROM companies_company WHERE false")

    assert Person.objects.get(pk=employee.pk).company_id == employee.company_id
