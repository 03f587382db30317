"""Fixtures of the tests of our dialect."""

from __future__ import annotations

import pytest

from people.services import NewOrganization
from tests.builders import make_organization


@pytest.fixture
def globex(db: None) -> NewOrganization:
    """Another organization."""
    return make_organization(name="Globex")
