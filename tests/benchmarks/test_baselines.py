"""The documents that the service's are compared with."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import override_settings

from benchmarks.serving import CASES, HAND_BUILT, SERVICE, STOCK
from tests.client import ApiClient, WsgiClient

ROWS = {
    "company": [{"name": "Globex"}],
    "person": [{"First Name": "Ada", "Company": "Globex"}, {"First Name": "Grace"}],
}


def _read(api: ApiClient, prefix: str, path: str) -> Any:
    response: Any = WsgiClient().get(prefix + path, headers=api.headers)
    assert response.status_code == 200, response.content
    return json.loads(response.content.decode().replace(prefix, "/"))


@pytest.mark.parametrize("path", [path for _, path, _ in CASES])
def test_the_hand_built_document_is_the_service_s_and_the_stock_one_has_as_many_resources(
    api: ApiClient, path: str
) -> None:
    path = path.format(import_id=api.run(ROWS))
    # Once a minute the first request writes that its caller was there.
    api.get("imports")
    with override_settings(ROOT_URLCONF="benchmarks.urls"):
        product, hand_built, stock = (_read(api, prefix, path) for prefix in (SERVICE, HAND_BUILT, STOCK))

    assert hand_built == product
    assert len(stock["data"]) == len(product["data"])
