"""Fixtures of the tests of imports."""

from __future__ import annotations

import pytest

from tests.client import ApiClient


@pytest.fixture
def keyed(api: ApiClient) -> ApiClient:
    """A client that sends the same key with every request."""
    api.get("imports")  # moves last_seen_at, which is part of answers
    return ApiClient(api.caller, **{"Idempotency-Key": "again"})
