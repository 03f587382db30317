"""The description of the API: the page in the repository, what is served, and what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from importsvc.engine.schema import registry
from tests.client import CONTENT_TYPE, WsgiClient, assert_error
from tests.contract.test_published_page import EXAMPLES
from tests.openapi.description import assert_valid, escape, find_operation, read_description, resolve

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "openapi.json"
MEDIA_TYPE = "application/vnd.api+json"


@pytest.mark.django_db
def test_the_page_is_what_is_served_without_a_token() -> None:
    response = WsgiClient().generic("GET", "/api/v2/openapi.json")

    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    assert json.loads(response.content) == json.loads(PAGE.read_text()), (
        "Run: python manage.py spectacular --format openapi-json --file docs/openapi.json"
    )


@pytest.mark.django_db
def test_the_description_is_also_served_as_yaml() -> None:
    response = WsgiClient().generic("GET", "/api/v2/openapi.yaml")

    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/yaml")
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert yaml.safe_load(response.content) == json.loads(PAGE.read_text())


@pytest.mark.django_db
def test_the_description_is_read_only() -> None:
    response = WsgiClient().generic("POST", "/api/v2/openapi.json")

    assert_error(response, 405, "method_not_allowed", "This method is not allowed on this endpoint")
    assert response.headers["Content-Type"] == CONTENT_TYPE


def test_each_importable_type_has_its_rows_described() -> None:
    rows = resolve("/components/schemas/ImportData")["properties"]

    assert sorted(rows) == sorted(registry.get_names())
    for importable in registry.in_dependency_order():
        assert sorted(rows[importable.name]["items"]["properties"]) == sorted(importable.column_names)


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for path in read_description()["paths"].values() for operation in path.values()]

    assert len(names) == len(set(names)) >= 26


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example['method']} {example['path']}")
def test_the_published_examples_are_valid(example: dict[str, Any]) -> None:
    operation = find_operation(example["method"], example["path"])
    content = f"content/{escape(MEDIA_TYPE)}/schema"

    assert operation is not None
    if example["request"] is not None and example["status"] < 400:
        assert_valid(f"{operation}/requestBody/{content}", example["request"])
    if "errors" in example["response"]:
        assert_valid("/components/schemas/ErrorDocument", example["response"])
        assert str(example["status"]) in resolve(operation)["responses"]
    else:
        assert_valid(f"{operation}/responses/{example['status']}/{content}", example["response"])
