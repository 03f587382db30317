"""Fixtures of the tests of imports."""

from __future__ import annotations

from typing import Any

import pytest

from importsvc.imports.models import Import
from people.services import NewOrganization
from tests.builders import make_company, make_person
from tests.client import ApiClient
from tests.imports.change_documents import Scene
from tests.imports.revert_cases import make_mixed_import


@pytest.fixture
def keyed(api: ApiClient) -> ApiClient:
    """A client that sends the same key with every request."""
    api.get("imports")  # moves last_seen_at, which is in responses
    return ApiClient(api.caller, **{"Idempotency-Key": "again"})


@pytest.fixture
def scene(api: ApiClient) -> Scene:
    """Records, and a staged import that would update some of them and create new ones."""
    return Scene(api)


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    """The import of ``make_mixed_import``; modules may override it."""
    return make_mixed_import(acme)


@pytest.fixture
def records(acme: NewOrganization) -> dict[str, Any]:
    """The records that exist before an import of ``tests.imports.import_previews``, by name."""
    organization = acme.organization
    reds = make_company(organization=organization, name="Reds")
    return {
        "reds": reds,
        "blues": make_company(organization=organization, name="Blues"),
        "ann": make_person(organization=organization, email="ann@acme.test", title="Boss", company=reds),
        "other": make_person(organization=organization, email="other@acme.test"),
    }
