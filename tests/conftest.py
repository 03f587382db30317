"""Fixtures of the whole suite."""

from __future__ import annotations

import pytest

from people.services import NewOrganization, create_organization
from tests.builders import make_organization
from tests.client import ApiClient


@pytest.fixture
def acme(db: None) -> NewOrganization:
    """An organization in Zagreb with a user who has a token."""
    return create_organization(
        name="Acme", email="ada@acme.test", first_name="Ada", last_name="Lovelace", time_zone="Europe/Zagreb"
    )


@pytest.fixture
def api(acme: NewOrganization) -> ApiClient:
    """A client that asks as that user."""
    return ApiClient(acme)


@pytest.fixture
def globex(db: None) -> NewOrganization:
    """Another organization."""
    return make_organization(name="Globex")
