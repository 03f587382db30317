"""The ten request/response pairs of the published page, replayed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from people.services import NewOrganization
from tests.builders import PUBLISHED_ROWS, make_import, make_organization
from tests.client import ApiClient, document_of

EXAMPLES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("examples.json").read_text())

_TIME_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d")
_FROZEN = {"started_at", "processed_at", "reverted_at"}


def without_accidents(document: Any) -> str:
    """The document as text with members in their order; ids are numbered from 1 and all times are equal."""
    numbers: dict[tuple[str, str], int] = {}

    def renumber(resource_type: str, given: Any) -> Any:
        number = numbers.setdefault((resource_type, str(given)), len(numbers) + 1)
        return type(given)(number)

    def clean(value: Any, name: str = "", resource_type: str = "") -> Any:
        if isinstance(value, dict):
            return {key: clean(member, key, value.get("type", "")) for key, member in value.items()}
        if isinstance(value, list):
            return [clean(item) for item in value]
        if name in ("id", "creator_id"):
            return renumber("people" if name == "creator_id" else resource_type, value)
        is_time_stamp = isinstance(value, str) and _TIME_STAMP.fullmatch(value)
        return "a time stamp" if is_time_stamp or (name in _FROZEN and value is None) else value

    return json.dumps(clean(document), indent=1)


@pytest.fixture
def caller(db: None) -> NewOrganization:
    return make_organization(
        name="Organization295",
        email="user588@email.com",
        first_name="test first name",
        last_name="test last name",
        time_zone="Europe/Zagreb",
    )


@pytest.fixture
def page(caller: NewOrganization, settings: Settings) -> ApiClient:
    settings.ALLOWED_HOSTS = ["www.example.com"]
    return ApiClient(caller, Host="www.example.com")


def prepare(page: ApiClient, path: str) -> str:
    """Create the records of the example, and return its path."""
    rows = json.dumps(PUBLISHED_ROWS)
    imports = [make_import(creator=page.caller.person, import_data=rows) for _ in range(3)]
    path = re.sub(r"(?<=imports/)\d+", str(imports[0].pk), path)
    if path.endswith("/revert"):
        assert page.request("POST", path.replace("revert", "import")).status_code == 200
    return path


def expected_of(example: dict[str, Any]) -> str:
    """The example's response, for the organization and the caller of the test."""
    text = json.dumps(example["response"])
    text = re.sub(r"user\d+@email\.com", "user588@email.com", re.sub(r"Organization\d+", "Organization295", text))
    return without_accidents(json.loads(text))


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=[f"{each['method']} {each['path']} {each['status']}" for each in EXAMPLES]
)
def test_every_published_request_gets_the_published_response(page: ApiClient, example: dict[str, Any]) -> None:
    path = prepare(page, example["path"])
    body = None if example["request"] is None else json.dumps(example["request"])

    response = page.request(example["method"], path, body)

    assert response.status_code == example["status"]
    assert response.headers["Content-Type"] == "application/vnd.api+json; charset=utf-8"
    assert without_accidents(document_of(response)) == expected_of(example)


def test_the_published_page_has_ten_examples() -> None:
    assert [each["status"] for each in EXAMPLES] == [200, 200, 201, 422, 200, 422, 200, 422, 422, 200]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"virtual": False}, {"virtual": 0}),
        ({"title": None}, {"title": ""}),
        ({"type": "people", "id": "7"}, {"type": "people", "id": 7}),
        ({"joined_at": None}, {"joined_at": "2020-08-11T01:04:34.000+02:00"}),
        ([{"type": "people", "id": "7"}, {"creator_id": 7}], [{"type": "people", "id": "7"}, {"creator_id": 8}]),
    ],
)
def test_the_comparison_detects_another_order_type_or_id(one: Any, other: Any) -> None:
    assert without_accidents(one) != without_accidents(other)


def test_the_published_rows_are_the_rows_that_other_tests_use() -> None:
    sent = [each["request"]["data"]["attributes"].get("import_data", "{}") for each in EXAMPLES if each["request"]]

    assert [json.loads(rows) for rows in sent].count(PUBLISHED_ROWS) == 3
