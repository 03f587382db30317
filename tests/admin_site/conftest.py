"""Records whose forms the tests open."""

from __future__ import annotations

from typing import Any

import pytest

from companies.models import Company
from organizations.models import Organization
from people.models import ApiToken, Person
from people.services import NewOrganization
from tests.builders import make_company, make_person


@pytest.fixture
def company(acme: NewOrganization) -> Company:
    return make_company(organization=acme.organization, name="Reds", description="Old")


@pytest.fixture
def grace(acme: NewOrganization, company: Company) -> Person:
    return make_person(organization=acme.organization, company=company, title="Ms", last_name="Hopper")


@pytest.fixture
def records(acme: NewOrganization, company: Company, grace: Person) -> dict[str, Any]:
    Organization.objects.update(time_zone="UTC")
    return {"person": grace, "company": company, "organization": acme.organization, "token": ApiToken.objects.get()}
