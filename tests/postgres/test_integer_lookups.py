"""No statement has a number that no key can have: it finds nothing, on a cluster, too."""

from __future__ import annotations

import pytest
from django.db.models import Q
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from people.models import Person
from people.services import NewOrganization
from tests.builders import make_person

LARGE = 10**30


@pytest.mark.parametrize(
    "condition",
    [
        Q(organization_id=LARGE),
        Q(organization=str(LARGE)),
        Q(organization_id=-LARGE),
        Q(organization_id__in=[LARGE, -LARGE]),
        Q(company_id__in=[LARGE]),
        Q(pk__in=[LARGE]),
        Q(organization__id__in=[str(LARGE)]),
    ],
)
def test_a_number_that_is_too_large_finds_nothing_without_a_statement(
    acme: NewOrganization, condition: Q, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert list(Person.objects.filter(condition)) == []


def test_other_numbers_of_a_list_are_found_and_the_largest_ones_are_compared(acme: NewOrganization) -> None:
    person = make_person(organization=acme.organization)

    assert list(Person.objects.filter(pk__in=[LARGE, person.pk])) == [person]
    assert list(Person.objects.filter(organization_id__in=[2**63 - 1, person.organization_id], pk=person.pk)) == [
        person
    ]
    assert not Person.objects.filter(organization_id=2**63 - 1).exists()
    assert Person.objects.exclude(organization_id=LARGE).filter(pk=person.pk).exists()


@pytest.mark.parametrize("path", ["", "add/"])
@pytest.mark.parametrize("name", ["organization", "organization__id__exact"])
def test_the_admin_shows_no_records_of_an_organization_with_such_a_number(
    acme: NewOrganization, admin_client: Client, path: str, name: str
) -> None:
    assert admin_client.get(f"/admin/people/person/{path}", {name: str(LARGE)}).status_code in (200, 302)
