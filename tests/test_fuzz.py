"""Whatever a client sends, the response is a document of the contract and never 500."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from django.http import HttpResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from companies.models import Company
from people.models import Person
from tests.builders import PUBLISHED_ROWS
from tests.client import PAGE_ACCEPT, ApiClient
from tests.snapshots import undone
from tests.strategies import (
    bodies,
    document,
    dump,
    good_trees,
    header_text,
    ids,
    json_values,
    media_ranges,
    queries,
    wild_trees,
)

STATUSES = {200, 201, 400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 429}

fuzz = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,  # the same examples in every run, so that a failure is due to a change
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

OPERATIONS = [
    ("GET", "imports"),
    ("POST", "imports"),
    ("GET", "imports/{}"),
    ("PATCH", "imports/{}"),
    ("POST", "imports/{}/import"),
    ("PATCH", "imports/{}/revert"),
    ("GET", "imports/{}/changes"),
    ("GET", "imports/{}/import"),
    ("GET", "imports/{}/revert"),
    ("GET", "people"),
    ("GET", "people/{}"),
    ("GET", "companies"),
    ("GET", "companies/{}"),
    ("GET", "organizations/{}"),
    ("GET", "webhook_endpoints"),
    ("GET", "webhook_deliveries"),
    ("GET", "import_sessions"),
    ("POST", "import_sessions"),
    ("POST", "webhook_endpoints"),
    ("PATCH", "webhook_endpoints/{}"),
    ("POST", "webhook_deliveries/{}/redeliver"),
]
WRITES = [operation for operation in OPERATIONS if operation[0] != "GET"]


def refuse_constant(name: str) -> NoReturn:
    raise AssertionError(f"{name} is not JSON")


def check(response: HttpResponse) -> HttpResponse:
    """Check that the response is a document of the contract; ``ApiClient`` has checked its media type."""
    assert response.status_code in STATUSES, response.content
    answer = json.loads(response.content.decode("utf-8"), parse_constant=refuse_constant)
    if response.status_code < 400:
        assert next(iter(answer)) == "data"
        assert "errors" not in answer
    else:
        assert list(answer) == ["errors"]
        assert {error["status"] for error in answer["errors"]} == {str(response.status_code)}
    return response


@pytest.fixture
def import_id(api: ApiClient) -> str:
    return api.stage(PUBLISHED_ROWS)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every place of a tree."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from places(member, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    """The tree with another value at a place."""
    if not path:
        return other
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], other)
    return copy


def test_any_json_at_any_place_of_a_document_gets_a_response_of_the_contract(api: ApiClient, import_id: str) -> None:
    valid = document(PUBLISHED_ROWS)

    @fuzz
    @given(st.sampled_from(WRITES), st.sampled_from(list(places(valid))), json_values)
    def run(operation: tuple[str, str], place: tuple[Any, ...], value: Any) -> None:
        method, path = operation
        with undone():
            check(api.request(method, path.format(import_id), dump(replaced(valid, place, value))))

    run()


def test_each_kind_of_json_at_every_place_of_a_document_gets_a_response_of_the_contract(
    api: ApiClient, import_id: str
) -> None:
    valid = document(PUBLISHED_ROWS)
    kinds: list[Any] = [None, True, 0, 1.5, "text", "\ud800", "raw:1e400", [], [None], {}, {"": []}]
    for place in places(valid):
        for kind in kinds:
            with undone():
                check(api.request("POST", "imports", dump(replaced(valid, place, kind))))


def test_any_body_of_any_operation_gets_a_response_of_the_contract(api: ApiClient, import_id: str) -> None:
    @fuzz
    @given(st.sampled_from(OPERATIONS), bodies)
    def run(operation: tuple[str, str], body: bytes) -> None:
        method, path = operation
        with undone():
            check(api.request(method, path.format(import_id), body))

    run()


def test_any_rows_staged_or_run_get_a_response_of_the_contract(api: ApiClient, import_id: str) -> None:
    @fuzz
    @given(st.sampled_from(WRITES[:3]), wild_trees, st.booleans())
    def run(operation: tuple[str, str], tree: Any, as_text: bool) -> None:
        method, path = operation
        with undone():
            body = dump(document(dump(tree) if as_text else tree))
            check(api.request(method, path.format(import_id), body))

    run()


def test_rows_that_are_accepted_can_be_run_read_and_reverted(api: ApiClient) -> None:
    runs = 0

    @fuzz
    @given(good_trees)
    def run(tree: Any) -> None:
        nonlocal runs
        with undone():
            before = Company.objects.count(), Person.objects.count()
            created = check(api.send_import("POST", "imports", import_data=tree))
            if created.status_code == 201:
                runs += 1
                path = f"imports/{json.loads(created.content)['data']['id']}"
                preview = check(api.get(f"{path}/import?page[size]=1"))
                made = sum(len(rows) for rows in tree.values())
                assert (preview.status_code, json.loads(preview.content)["meta"]["total_count"]) == (200, made)
                held = {"If-Match": preview.headers["ETag"]}
                assert check(api.request("POST", f"{path}/import", headers=held)).status_code == 200
                after = Company.objects.count(), Person.objects.count()
                added = len(tree.get("company", [])), len(tree.get("person", []))
                assert after == (before[0] + added[0], before[1] + added[1])
                assert [check(api.get(each)).status_code for each in ("people", "companies")] == [200, 200]
                for each in "changes", "revert":
                    answer = check(api.get(f"{path}/{each}"))
                    assert (answer.status_code, json.loads(answer.content)["meta"]["total_count"]) == (200, made)
                held = {"If-Match": answer.headers["ETag"]}
                assert check(api.request("PATCH", f"{path}/revert", headers=held)).status_code == 200
                assert (Company.objects.count(), Person.objects.count()) == before

    run()
    assert runs > 10


def test_any_query_of_any_operation_gets_a_response_of_the_contract(api: ApiClient, import_id: str) -> None:
    @fuzz
    @given(st.sampled_from(OPERATIONS), queries)
    def run(operation: tuple[str, str], query: str) -> None:
        method, path = operation
        with undone():
            check(api.request(method, f"{path.format(import_id)}?{query}"))

    run()


def test_any_id_in_any_operation_gets_a_response_of_the_contract(api: ApiClient) -> None:
    @fuzz
    @given(st.sampled_from([operation for operation in OPERATIONS if "{}" in operation[1]]), ids)
    def run(operation: tuple[str, str], record_id: str) -> None:
        method, path = operation
        with undone():
            check(api.request(method, path.format(record_id)))

    run()


def test_any_headers_of_any_operation_get_a_response_of_the_contract(api: ApiClient, import_id: str) -> None:
    known = [
        "Accept",
        "Content-Type",
        "X-Auth-Token",
        "X-Organization-Id",
        "Cookie",
        "Host",
        "Content-Length",
        "If-Match",
    ]
    headers = st.dictionaries(st.sampled_from(known), media_ranges | header_text, max_size=3)

    @fuzz
    @given(st.sampled_from(OPERATIONS), headers, queries, st.sampled_from(["", "{}", dump(document(PUBLISHED_ROWS))]))
    def run(operation: tuple[str, str], sent: dict[str, str], query: str, body: str) -> None:
        method, path = operation
        with undone():
            check(api.request(method, f"{path.format(import_id)}?{query}", body, headers=sent))

    run()


def test_any_conditional_header_gets_a_response_of_the_contract(api: ApiClient, import_id: str) -> None:
    moves = [operation for operation in WRITES if "/" in operation[1]]
    tags = st.lists(st.sampled_from(['"', "a", "W/", ",", "*", " ", "\t", "\xff", '"a"', 'W/"*"']), max_size=8).map(
        "".join
    )

    @fuzz
    @given(st.sampled_from(moves), tags | header_text)
    def run(operation: tuple[str, str], condition: str) -> None:
        method, path = operation
        with undone():
            check(api.request(method, path.format(import_id), headers={"If-Match": condition}))

    run()


@pytest.mark.parametrize("text", ["a", '"', '"a",', ", ", "\t"])
def test_conditional_headers_of_ten_megabytes_get_a_response_of_the_contract(
    api: ApiClient, import_id: str, text: str
) -> None:
    check(api.request("POST", f"imports/{import_id}/import", headers={"If-Match": text * (10_000_000 // len(text))}))


@pytest.mark.parametrize("header", ["Accept", "Content-Type", "X-Auth-Token", "X-Organization-Id", "Cookie", "Banana"])
def test_headers_of_ten_megabytes_get_a_response_of_the_contract(api: ApiClient, header: str) -> None:
    for text in "a", "1", " ", "\xff":
        check(api.request("POST", "imports", "{}", headers={"Accept": PAGE_ACCEPT, header: text * 10_000_000}))
