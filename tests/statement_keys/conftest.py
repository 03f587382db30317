"""A company, somebody who works nowhere, and somebody who works for the company."""

from __future__ import annotations

import pytest

from companies.models import Company
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_person


@pytest.fixture
def company(acme: NewOrganization) -> Company:
    """A company of Acme, where nobody works."""
    return make_company(organization=acme.organization, name="Reds")


@pytest.fixture
def grace(acme: NewOrganization) -> Person:
    """Somebody of Acme who works nowhere."""
    return make_person(organization=acme.organization)


@pytest.fixture
def employee(company: Company) -> Person:
    """Somebody who works for the company."""
    return make_person(organization=company.organization, first_name="Eve", company=company)
