"""Fixtures of the tests of imports."""

from __future__ import annotations

import pytest

from importsvc.imports.models import Import
from people.services import NewOrganization
from tests.client import ApiClient
from tests.imports.change_documents import Scene
from tests.imports.revert_cases import make_mixed_import


@pytest.fixture
def keyed(api: ApiClient) -> ApiClient:
    """A client that sends the same key with every request."""
    api.get("imports")  # moves last_seen_at, which is part of answers
    return ApiClient(api.caller, **{"Idempotency-Key": "again"})


@pytest.fixture
def scene(api: ApiClient) -> Scene:
    """Records, and an import that is staged and would update them and create others."""
    return Scene(api)


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    """The import of ``make_mixed_import``, in modules that have no other."""
    return make_mixed_import(acme)
