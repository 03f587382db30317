"""A row that another open transaction has locked or written is found, without waiting for it."""

from __future__ import annotations

import pytest
from django.db import transaction

from companies.models import Company
from importsvc.postgres.row_locks import IsLocked
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_person
from tests.interleaving import threads

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.one_server("locks are those of a node, which the coordinator does not know"),
]


def find_locked() -> set[str]:
    """The names of the companies that another transaction has locked or written."""
    return set(Company.objects.filter(IsLocked("name")).values_list("name", flat=True))


def test_rows_are_locked_for_others_until_the_transaction_ends(acme: NewOrganization) -> None:
    for name in ("read", "locked", "written"):
        make_company(organization=acme.organization, name=name)

    with threads() as background:
        with transaction.atomic():
            assert Company.objects.get(name="read")
            assert Company.objects.select_for_update(no_key=True).get(name="locked")
            Company.objects.filter(name="written").update(due_days=1)
            assert background.start(find_locked).result() == {"locked", "written"}
            assert find_locked() == set()
        assert background.start(find_locked).result() == set()


def test_a_row_is_found_through_a_relation(acme: NewOrganization) -> None:
    for name in ("free", "locked"):
        company = make_company(organization=acme.organization, name=name)
        make_person(organization=acme.organization, company=company, first_name=name)

    def find() -> list[str]:
        people = Person.objects.filter(IsLocked("company__name")).order_by("id")
        return list(people.values_list("first_name", flat=True))

    with threads() as background, transaction.atomic():
        assert Company.objects.select_for_update().get(name="locked")
        assert background.start(find).result() == ["locked"]
