"""Tokens and organizations may send so many requests; more are 429, and each response says what is left."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.http import HttpResponse
from pytest_django import Settings

from importsvc.environment.variable import Rate
from people.services import NewOrganization, create_token
from tests.client import ApiClient, assert_error, assert_replayed
from tests.monitoring.log_lines import logged_lines

DAY = 86_400


@pytest.fixture
def limits(settings: Settings) -> None:
    settings.RATE_LIMITS = {"token": Rate(3, DAY), "organization": Rate(5, DAY)}


def read_left(response: HttpResponse) -> dict[str, int]:
    """What is left of each limit; its time is less than a day."""
    parts = re.findall(r'"(\w+)";r=(\d+);t=(\d+)(?:, |$)', response.headers["RateLimit"])
    assert all(0 < int(seconds) <= DAY for *_, seconds in parts)
    assert response.headers["RateLimit-Policy"] == '"token";q=3;w=86400, "organization";q=5;w=86400'
    return {name: int(left) for name, left, _ in parts}


def make_second(api: ApiClient) -> ApiClient:
    """A client with another token of the same person."""
    token = create_token(person=api.caller.person)
    return ApiClient(NewOrganization(api.caller.organization, api.caller.person, token))


@pytest.mark.usefixtures("limits")
def test_a_token_has_its_requests_and_then_429(api: ApiClient) -> None:
    assert [read_left(api.get("imports")) for _ in range(3)] == [
        {"token": 2, "organization": 4},
        {"token": 1, "organization": 3},
        {"token": 0, "organization": 2},
    ]

    before = time.time()
    refused = api.get("imports")

    assert_error(refused, 429, "too_many_requests", "Too many requests; try again later")
    wait = int(refused.headers["Retry-After"])
    assert 0 < wait <= DAY
    assert before + wait <= int(refused.headers["X-RateLimit-Reset"]) <= time.time() + wait + 1
    assert read_left(refused) == {"token": 0, "organization": 1}


@pytest.mark.usefixtures("limits")
def test_the_tokens_of_an_organization_share_its_requests(api: ApiClient, globex: NewOrganization) -> None:
    second = make_second(api)
    for client in (api, second, api, second, api):
        assert client.get("imports").status_code == 200

    assert_error(second.get("imports"), 429, "too_many_requests", "Too many requests; try again later")
    assert read_left(ApiClient(globex).get("imports")) == {"token": 2, "organization": 4}


@pytest.mark.usefixtures("limits")
def test_requests_without_a_valid_token_count_for_nobody(api: ApiClient) -> None:
    for _ in range(5):
        refused = api.get("imports", **{"X-Auth-Token": "abcdefgh.abc"})
        assert (refused.status_code, "RateLimit" in refused.headers) == (401, False)

    assert read_left(api.get("imports")) == {"token": 2, "organization": 4}


@pytest.mark.usefixtures("limits")
def test_refusals_and_other_methods_count_and_say_what_is_left(api: ApiClient) -> None:
    assert read_left(api.get("imports/99")) == {"token": 2, "organization": 4}
    assert read_left(api.request("HEAD", "imports")) == {"token": 1, "organization": 3}
    assert read_left(api.send_import("POST", "imports", import_data={})) == {"token": 0, "organization": 2}


@pytest.mark.usefixtures("limits")
def test_a_response_that_is_not_modified_says_what_is_left(api: ApiClient) -> None:
    tag = api.get("imports").headers["ETag"]

    response = api.get("imports", **{"If-None-Match": tag})

    assert (response.status_code, read_left(response)) == (304, {"token": 1, "organization": 3})


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("limits")
def test_a_replay_has_headers_of_its_own(api: ApiClient) -> None:
    def send() -> HttpResponse:
        body = '{"data": {"type": "imports", "attributes": {"import_data": {"company": [{"name": "Acme"}]}}}}'
        return api.request("POST", "imports", body, headers={"Idempotency-Key": "a"})

    first, again = send(), send()

    assert [read_left(first), read_left(again)] == [{"token": 2, "organization": 4}, {"token": 1, "organization": 3}]
    del first.headers["RateLimit"], again.headers["RateLimit"]
    assert_replayed(first, again)


@pytest.mark.parametrize(
    ("rates", "headers"),
    [
        ({"token": None, "organization": None}, None),
        ({"token": Rate(3, 10), "organization": None}, '"token";q=3;w=10'),
        ({"token": None, "organization": Rate(9, 1800)}, '"organization";q=9;w=1800'),
    ],
)
def test_limits_can_be_switched_off(api: ApiClient, settings: Settings, rates: Any, headers: str | None) -> None:
    settings.RATE_LIMITS = rates

    assert api.get("imports").headers.get("RateLimit-Policy") == headers


@pytest.mark.usefixtures("limits")
def test_429_is_a_line_of_the_log(api: ApiClient) -> None:
    for _ in range(3):
        api.get("imports")

    with logged_lines() as lines:
        api.get("imports/7")

    expected = {"message": "429 GET /api/v2/imports/{pk}", "request_id": "test", "status": 429, "method": "GET"}
    expected |= {"organization": api.caller.organization.pk, "route": "/api/v2/imports/{pk}", "import": 7}
    assert lines.read() == [expected]
