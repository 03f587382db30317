"""Fixtures of the tests of imports over HTTP."""

from __future__ import annotations

import pytest

from tests.client import ApiClient
from tests.imports.change_documents import Scene


@pytest.fixture
def keyed(api: ApiClient) -> ApiClient:
    """A client that sends the same key with every request."""
    api.get("imports")  # moves last_seen_at, which is part of answers
    return ApiClient(api.caller, **{"Idempotency-Key": "again"})


@pytest.fixture
def scene(api: ApiClient) -> Scene:
    """Records, and an import that is staged and would update them and create others."""
    return Scene(api)
