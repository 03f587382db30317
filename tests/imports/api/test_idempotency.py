"""Requests sent again with the same ``Idempotency-Key`` get the same response, and the work runs once."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from companies.models import Company
from importsvc.idempotency import decorator
from importsvc.idempotency.models import IdempotencyKey
from people.services import NewOrganization, create_token
from tests.builders import PUBLISHED_ROWS, make_company, make_organization, make_person
from tests.client import ApiClient, assert_error, assert_replayed, document_of, is_replay
from tests.snapshots import take_snapshot

REUSED = (422, "idempotency_key_reused", "This Idempotency-Key was used for another request")
SOURCE = {"header": "Idempotency-Key"}

DOCUMENT: dict[str, Any] = {"data": {"type": "imports", "attributes": {"import_data": PUBLISHED_ROWS}}}
ROWS = json.dumps(DOCUMENT)


def operations(api: ApiClient) -> Iterator[tuple[str, str, Any]]:
    """The four writing operations in an order in which each is possible: method, path and document."""
    path = f"imports/{api.stage(PUBLISHED_ROWS)}"
    yield "POST", "imports", DOCUMENT
    yield "PATCH", path, DOCUMENT
    yield "POST", f"{path}/import", None
    yield "PATCH", f"{path}/revert", None


def ask(
    api: ApiClient, method: str, path: str, document: Any, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    return api.request(method, path, document and json.dumps(document), headers=headers)


def key(name: object) -> dict[str, str]:
    return {"Idempotency-Key": str(name)}


def test_every_writing_operation_runs_once_and_gets_the_same_response_again(api: ApiClient, keyed: ApiClient) -> None:
    for number, (method, path, document) in enumerate(operations(api)):
        first = ask(keyed, method, path, document, key(number))
        assert first.status_code == (201 if path == "imports" else 200), first.content
        done = take_snapshot()

        again = ask(keyed, method, path, document, key(number))

        assert_replayed(first, again)
        assert take_snapshot() == done
        assert ("Location" in again.headers) == (path == "imports")


def test_a_replay_is_the_stored_response_and_not_the_current_state(api: ApiClient, keyed: ApiClient) -> None:
    path = f"imports/{api.stage(PUBLISHED_ROWS)}"
    first = keyed.request("POST", f"{path}/import")
    api.request("PATCH", f"{path}/revert")
    type(api.caller.organization).objects.update(time_zone="Asia/Kathmandu")

    assert_replayed(first, keyed.request("POST", f"{path}/import"))
    assert document_of(api.get(path))["data"]["attributes"]["reverted_at"] is not None


def test_the_same_request_without_a_key_is_another_request(api: ApiClient, keyed: ApiClient) -> None:
    first = keyed.send_import("POST", "imports", import_data=PUBLISHED_ROWS)

    assert api.stage(PUBLISHED_ROWS) != document_of(first)["data"]["id"]


def test_a_refusal_by_the_work_is_replayed_even_if_the_work_would_succeed_now(api: ApiClient, keyed: ApiClient) -> None:
    company = make_company(organization=api.caller.organization, name="Import")
    staged = f"imports/{api.stage({'person': [{'first_name': 'Ann'}]})}"
    missing = f"imports/{int(staged.rpartition('/')[2]) + 1}"
    blank = {"data": {"type": "imports", "attributes": {}}}
    refusals: list[tuple[int, str, str, Any, dict[str, str]]] = [
        (422, "POST", "imports", DOCUMENT, {}),
        (422, "PATCH", staged, blank, {}),
        (404, "PATCH", missing, DOCUMENT, {}),
        (404, "POST", "imports/x/import", None, {}),
        (409, "PATCH", f"{staged}/revert", None, {}),
        (412, "POST", f"{staged}/import", None, {"If-Match": '"old"'}),
    ]
    first = [
        ask(keyed, method, path, document, headers | key(number))
        for number, (_, method, path, document, headers) in enumerate(refusals)
    ]
    assert [response.status_code for response in first] == [refusal[0] for refusal in refusals]
    company.delete()
    assert f"imports/{api.stage(PUBLISHED_ROWS)}" == missing
    api.request("POST", f"{staged}/import")
    done = take_snapshot()

    for number, (_, method, path, document, headers) in enumerate(refusals):
        assert_replayed(first[number], ask(keyed, method, path, document, headers | key(number)))

    assert take_snapshot() == done


def test_refused_work_can_be_done_with_another_key(api: ApiClient, keyed: ApiClient) -> None:
    rows = {"person": [{"first_name": ""}]}
    assert keyed.send_import("POST", "imports", import_data=rows).status_code == 422
    rows["person"][0]["first_name"] = "Ann"
    body = {"data": {"type": "imports", "attributes": {"import_data": rows}}}

    assert_error(keyed.send("POST", "imports", body), *REUSED, source=SOURCE)
    assert ask(keyed, "POST", "imports", body, key("other")).status_code == 201


def test_the_same_key_with_another_request_is_refused(api: ApiClient, keyed: ApiClient) -> None:
    path = f"imports/{api.stage(PUBLISHED_ROWS)}"
    first = keyed.send_import("PATCH", path, import_data=PUBLISHED_ROWS)
    assert first.status_code == 200
    different: list[tuple[str, str, Any, dict[str, str]]] = [
        ("PATCH", path, {"data": {**DOCUMENT["data"], "id": path.rpartition("/")[2]}}, {}),
        ("PATCH", f"{path}?include=", DOCUMENT, {}),
        ("PATCH", f"{path}?fields[imports]=sample", DOCUMENT, {}),
        ("PATCH", f"imports/{api.stage(PUBLISHED_ROWS)}", DOCUMENT, {}),
        ("POST", "imports", DOCUMENT, {}),
        ("POST", f"{path}/import", DOCUMENT, {}),
        ("POST", f"{path}/import", None, {}),
        ("PATCH", f"{path}/revert", None, {}),
        ("PATCH", path, DOCUMENT, {"If-Match": '"a"'}),
    ]
    done = take_snapshot()

    for method, url, document, headers in different:
        assert_error(ask(keyed, method, url, document, headers), *REUSED, source=SOURCE)

    assert take_snapshot() == done
    assert_replayed(first, keyed.send_import("PATCH", path, import_data=PUBLISHED_ROWS))


def test_the_same_json_in_other_bytes_is_another_request(keyed: ApiClient) -> None:
    assert keyed.send("POST", "imports", DOCUMENT).status_code == 201

    assert_error(keyed.request("POST", "imports", json.dumps(DOCUMENT, indent=1)), *REUSED, source=SOURCE)


def test_the_same_method_with_and_without_a_body_are_two_requests(api: ApiClient, keyed: ApiClient) -> None:
    path = f"imports/{api.stage(PUBLISHED_ROWS)}/import"
    assert keyed.request("POST", path).status_code == 200

    assert_error(keyed.send_import("POST", path), *REUSED, source=SOURCE)


def test_keys_belong_to_an_organization(keyed: ApiClient) -> None:
    globex = make_organization()
    other = ApiClient(
        globex, **keyed.headers | {"X-Auth-Token": globex.token, "X-Organization-Id": str(globex.organization.pk)}
    )
    first = keyed.send_import("POST", "imports", import_data=PUBLISHED_ROWS)

    theirs = other.send_import("POST", "imports", import_data=PUBLISHED_ROWS)

    assert (theirs.status_code, is_replay(theirs)) == (201, False)
    assert document_of(theirs)["data"]["id"] != document_of(first)["data"]["id"]
    assert other.send_import("POST", "imports", import_data={}).status_code == 422
    assert_replayed(first, keyed.send_import("POST", "imports", import_data=PUBLISHED_ROWS))


def test_another_person_of_the_organization_gets_the_same_replay(keyed: ApiClient, acme: NewOrganization) -> None:
    grace = make_person(organization=acme.organization, is_user=True)
    first = keyed.send_import("POST", "imports", import_data=PUBLISHED_ROWS)
    keyed.headers["X-Auth-Token"] = create_token(person=grace)

    assert_replayed(first, keyed.send_import("POST", "imports", import_data=PUBLISHED_ROWS))


def test_a_deactivated_person_gets_no_replay(keyed: ApiClient) -> None:
    assert keyed.send_import("POST", "imports", import_data=PUBLISHED_ROWS).status_code == 201
    type(keyed.caller.person).objects.update(deactivated_at=timezone.now())

    again = keyed.send_import("POST", "imports", import_data=PUBLISHED_ROWS)

    assert_error(again, 401, "unauthenticated", "You are not authenticated")


def test_a_key_is_the_same_with_and_without_quotes(keyed: ApiClient) -> None:
    first = keyed.send_import("POST", "imports", import_data=PUBLISHED_ROWS)
    keyed.headers["Idempotency-Key"] = '"again"'

    assert_replayed(first, keyed.send_import("POST", "imports", import_data=PUBLISHED_ROWS))


def test_an_expired_key_can_be_used_again(keyed: ApiClient, settings: Settings) -> None:
    settings.IDEMPOTENCY_KEY_HOURS = 3
    first = keyed.send_import("POST", "imports", import_data=PUBLISHED_ROWS)
    keys = IdempotencyKey.objects.all()

    keys.update(created_at=timezone.now() - timedelta(hours=2, minutes=59))
    assert_replayed(first, keyed.send_import("POST", "imports", import_data=PUBLISHED_ROWS))

    keys.update(created_at=timezone.now() - timedelta(hours=3))
    second = keyed.send_import("POST", "imports", import_data={"person": [{"first_name": "Ann"}]})
    assert (second.status_code, is_replay(second)) == (201, False)
    assert keys.count() == 1
    assert_replayed(second, keyed.send_import("POST", "imports", import_data={"person": [{"first_name": "Ann"}]}))


@pytest.mark.parametrize("accepted", [None, "gzip"])
def test_replays_are_compressed_for_clients_that_accept_gzip(keyed: ApiClient, accepted: str | None) -> None:
    first = keyed.request("POST", "imports", json.dumps(DOCUMENT), headers={"Accept-Encoding": accepted})
    plain = keyed.request("POST", "imports", json.dumps(DOCUMENT))
    compressed = keyed.request("POST", "imports", json.dumps(DOCUMENT), headers={"Accept-Encoding": "gzip"})

    assert compressed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(compressed.content) == plain.content
    assert (gzip.decompress(first.content) if accepted else first.content) == plain.content
    assert "Content-Encoding" not in plain.headers
    assert [each.headers["Idempotency-Replayed"] for each in (plain, compressed)] == ["true", "true"]


def test_a_request_without_a_key_costs_no_further_query(api: ApiClient) -> None:
    for method, path, document in operations(api):
        with CaptureQueriesContext(connection) as queries:
            assert ask(api, method, path, document).status_code in (200, 201)
        assert not [query for query in queries if "idempotency" in query["sql"] or "advisory" in query["sql"]]


def test_a_replay_only_queries_the_caller_and_the_key(keyed: ApiClient) -> None:
    keyed.request("POST", "imports", ROWS)

    with CaptureQueriesContext(connection) as queries:
        keyed.request("POST", "imports", ROWS)

    # The token, a transaction (in tests a savepoint), its limits, the lock, the key, the end of the transaction.
    words = ["SELECT", "SAVEPOINT", "SET", "SELECT", "SELECT", "RELEASE"]
    assert [query["sql"].split()[0] for query in queries] == words


@pytest.fixture
def large(api: ApiClient) -> dict[str, str]:
    """Custom fields of two megabytes, in the caller's company, and so in responses."""
    fields = {"notes": "é" * (1 << 20)}
    company = api.caller.person.company
    assert company
    company.custom_fields = fields
    company.save(update_fields=["custom_fields"])
    return fields


def test_a_large_response_is_stored_without_what_it_includes(keyed: ApiClient, large: dict[str, str]) -> None:
    first = keyed.send("POST", "imports", DOCUMENT)
    again = keyed.send("POST", "imports", DOCUMENT)

    document = document_of(first)
    assert document["included"][-1]["attributes"]["custom_fields"] == large
    del document["included"]
    assert (again.status_code, again.headers["Location"]) == (201, first.headers["Location"])
    assert is_replay(again)
    assert again.content == json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    assert len(bytes(IdempotencyKey.objects.get().body)) < 10_000


def test_a_large_conflict_is_stored_without_the_records_in_conflict(api: ApiClient, keyed: ApiClient) -> None:
    import_id = api.run({"company": [{"name": "Reds", "custom_fields": {"notes": "x" * 600_000}}]})
    Company.objects.filter(name="Reds").update(custom_fields={"notes": "y" * 600_000})

    first = keyed.request("PATCH", f"imports/{import_id}/revert")
    again = keyed.request("PATCH", f"imports/{import_id}/revert")

    document = document_of(first)
    assert len(document["errors"][0].pop("meta")["conflicts"][0]["now"]["custom_fields"]["notes"]) == 600_000
    assert (again.status_code, is_replay(again)) == (409, True)
    assert document_of(again) == document


def test_a_response_that_stays_large_is_stored_as_status_and_headers(
    keyed: ApiClient, large: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decorator, "LARGEST_STORED", 100)

    first = keyed.send("POST", "imports", DOCUMENT)
    again = keyed.send("POST", "imports", DOCUMENT)

    assert (again.status_code, again.headers["Location"]) == (201, first.headers["Location"])
    assert (is_replay(again), document_of(again)) == (True, {"meta": {}})
