"""Requests that prefer it are responded to before their work is done (docs/asynchronous.md)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from importsvc.imports.models import Import, ImportState
from importsvc.operations.models import Kind, Operation, Status
from importsvc.operations.services import cancel_operation
from importsvc.operations.work import run_next
from people.models import Person
from people.services import NewOrganization
from tests.client import ApiClient, assert_error, assert_replayed, document_of, is_replay
from tests.operations.api.documents import of_operation, without_times
from tests.operations.queueing import ROWS, create

pytestmark = pytest.mark.django_db(transaction=True)

BODY = {"data": {"type": "imports", "attributes": {"import_data": ROWS}}}
LATER = {"Prefer": "respond-async"}
REVERT = {"data": {"type": "imports", "attributes": {"on_conflict": "keep"}}}


def send(api: ApiClient, method: str, path: str, document: Any = None, **headers: str) -> Any:
    """A request with further headers."""
    return api.request(method, path, None if document is None else json.dumps(document), headers=headers)


def assert_accepted(api: ApiClient, response: Any, kind: str, import_id: int | None = None, applied: str = "") -> None:
    """The response is the 202 with the only operation, which is queued."""
    operation = Operation.objects.get()
    url = f"http://testserver/api/v2/operations/{operation.pk}"
    assert response.status_code == 202, response.content
    document = document_of(response)
    assert list(document) == ["data", "meta"]
    assert list(document["meta"]) == ["organization_features"]
    assert without_times(document["data"]) == of_operation(api, operation.pk, kind=kind, import_=import_id)
    assert response.headers["Location"] == response.headers["Content-Location"] == url
    assert response.headers["Retry-After"] == "1"
    assert response.headers.get("Preference-Applied") == (applied or None)
    assert ("Prefer" in response.headers["Vary"]) == bool(applied)


@contextmanager
def worker() -> Iterator[None]:
    """Within the block, a worker in a thread does what is queued."""
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set():
            if not run_next():
                is_over.wait(0.02)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def test_a_create_is_queued_and_done_by_a_worker(api: ApiClient) -> None:
    response = send(api, "POST", "imports?include=&fields[imports]=sample", BODY, **LATER)

    assert_accepted(api, response, "create", applied="respond-async")
    assert not Import.objects.exists()
    run_next()
    assert Operation.objects.get().status == Status.SUCCEEDED
    assert Import.objects.get().creator_id == api.caller.person.pk


def test_an_update_is_queued_and_done_by_a_worker(api: ApiClient, acme: NewOrganization) -> None:
    import_ = create(acme, {"company": [{"name": "Before"}]})
    attributes = {"import_data": ROWS, "sample": True, "on_duplicate": "skip", "import_model_id": 7}

    response = send(
        api, "PATCH", f"imports/{import_.pk}", {"data": {"type": "imports", "attributes": attributes}}, **LATER
    )

    assert_accepted(api, response, "update", import_.pk, applied="respond-async")
    run_next()
    import_.refresh_from_db()
    assert (import_.sample, import_.on_duplicate, import_.import_model_id) == (True, "skip", 7)
    assert sorted(import_.staged_chunks.values_list("record_type", flat=True)) == ["company", "person"]


def test_an_import_is_queued_with_its_rows_and_done_by_a_worker(api: ApiClient, acme: NewOrganization) -> None:
    import_ = create(acme, {"company": [{"name": "Before"}]})

    response = send(api, "POST", f"imports/{import_.pk}/import", BODY, **LATER)

    assert_accepted(api, response, "import", import_.pk, applied="respond-async")
    run_next()
    import_.refresh_from_db()
    assert import_.processed_by == {"kind": "person", "name": "Ada Lovelace", "id": acme.person.pk}
    assert Person.objects.filter(email="john@mail.com").exists()


def test_a_revert_is_queued_with_its_policy_and_done_by_a_worker(api: ApiClient) -> None:
    import_id = api.run(ROWS)
    Person.objects.filter(email="john@mail.com").update(title="Sir")

    response = send(api, "PATCH", f"imports/{import_id}/revert", REVERT, **LATER)

    assert_accepted(api, response, "revert", int(import_id), applied="respond-async")
    run_next()
    assert Import.objects.get().state == ImportState.REVERTED
    assert Person.objects.filter(email="john@mail.com").exists()


def test_an_etag_of_a_preview_is_checked_by_the_worker(api: ApiClient, acme: NewOrganization) -> None:
    import_ = create(acme)
    path = f"imports/{import_.pk}/import"
    tag = api.get(path).headers["ETag"]

    assert send(api, "POST", path, **LATER, **{"If-Match": '"other"'}).status_code == 202
    assert send(api, "POST", path, **LATER, **{"If-Match": tag}).status_code == 202
    while run_next():
        pass

    assert list(Operation.objects.order_by("id").values_list("status", flat=True)) == ["failed", "succeeded"]


@pytest.mark.parametrize("prefer", ["", "return=minimal", "respond-async=yes", 'x="respond-async', "wait=5", "?"])
def test_without_the_preference_the_response_is_as_published(api: ApiClient, prefer: str) -> None:
    plain = send(api, "POST", "imports", {"data": {"type": "imports", "attributes": {"import_data": "{"}}})
    preferring = send(
        api, "POST", "imports", {"data": {"type": "imports", "attributes": {"import_data": "{"}}}, Prefer=prefer
    )
    created = send(api, "POST", "imports", BODY, Prefer=prefer)

    assert (preferring.status_code, preferring.content) == (plain.status_code, plain.content)
    assert dict(preferring.headers) == dict(plain.headers)
    assert created.status_code == 201
    assert "Prefer" not in created.headers["Vary"]
    assert not Operation.objects.exists()


def test_errors_that_prevent_the_start_are_those_of_the_synchronous_request(
    api: ApiClient, acme: NewOrganization, globex: NewOrganization
) -> None:
    own, theirs = create(acme).pk, create(globex).pk
    attributes: list[dict[str, Any]] = [{}, {"import_data": "["}, {"import_data": ROWS, "x": 1}, {"import_data": []}]
    requests: list[tuple[str, str, Any, dict[str, str]]] = [
        ("POST", "imports", None, {}),
        ("POST", "imports?sort=id", BODY, {}),
        ("POST", "imports", BODY, {"Content-Type": "text/plain"}),
        ("POST", f"imports/{own}/import", None, {"If-Match": "x"}),
        ("PATCH", f"imports/{theirs}", BODY, {}),
        ("POST", f"imports/{theirs}/import", None, {}),
        ("PATCH", f"imports/{theirs}/revert", None, {}),
        ("PATCH", "imports/x/revert", None, {}),
        *(("POST", "imports", {"data": {"type": "imports", "attributes": each}}, {}) for each in attributes),
    ]

    for method, path, document, headers in requests:
        synchronous = send(api, method, path, document, **headers)
        for prefer in ("respond-async", "respond-async, wait=1"):
            response = send(api, method, path, document, Prefer=prefer, **headers)
            assert response.status_code == synchronous.status_code >= 400, path
            assert response.content == synchronous.content
            assert dict(response.headers) == dict(synchronous.headers)
    assert not Operation.objects.exists()


WAITS = {"Prefer": "respond-async, wait=20"}


def test_a_request_that_waits_is_responded_to_as_if_it_were_synchronous(api: ApiClient) -> None:
    query = "?include=creator&fields[imports]=counts,sample"
    with worker():
        created = send(api, "POST", f"imports{query}", BODY, **WAITS)
        path = f"imports/{document_of(created)['data']['id']}"
        updated = send(api, "PATCH", path + query, BODY, **WAITS)
        run = send(api, "POST", f"{path}/import{query}", **WAITS)
        reverted = send(api, "PATCH", f"{path}/revert{query}", **WAITS)
    plain = send(api, "POST", f"imports{query}", BODY)

    assert [each.status_code for each in (created, updated, run, reverted)] == [201, 200, 200, 200]
    assert created.headers["Location"] == f"http://testserver/api/v2/{path}"
    assert list(created.headers) == list(plain.headers)
    documents = [document_of(each) for each in (created, plain)]
    for document in documents:
        assert document["data"].pop("id").isdecimal()
    assert json.dumps(documents[0]) == json.dumps(documents[1])
    shown = document_of(reverted)["data"]["attributes"]
    assert (shown, document_of(run)["data"]["attributes"]) == (shown, shown)
    assert reverted.content == api.get(path + query).content


def test_a_request_that_waits_is_refused_as_if_it_were_synchronous(api: ApiClient, acme: NewOrganization) -> None:
    import_ = create(acme)
    wrong = {"data": {"type": "imports", "attributes": {"import_data": {"person": [{"email": "x"}], "company": []}}}}
    requests = [("POST", "imports", wrong), ("PATCH", f"imports/{import_.pk}/revert", None)]
    requests.append(("POST", f"imports/{import_.pk}/import", wrong))
    with worker():
        for method, path, document in requests:
            synchronous = send(api, method, path, document)
            response = send(api, method, path, document, **WAITS)

            assert (response.status_code, response.content) == (synchronous.status_code, synchronous.content)
            assert dict(response.headers) == dict(synchronous.headers)
    assert Operation.objects.filter(status=Status.FAILED).count() == 3


def test_a_request_that_has_waited_in_vain_is_accepted(api: ApiClient) -> None:
    response = send(api, "POST", "imports", BODY, Prefer="wait=1, respond-async")

    assert_accepted(api, response, "create", applied="respond-async, wait=1")


def test_a_request_whose_work_is_cancelled_while_it_waits_shows_that(api: ApiClient, acme: NewOrganization) -> None:
    def cancel() -> None:
        while (operation := Operation.objects.first()) is None:
            pass
        cancel_operation(organization=acme.organization, operation_id=operation.pk)
        connection.close()

    thread = threading.Thread(target=cancel)
    thread.start()
    response = send(api, "POST", "imports", BODY, **WAITS)
    thread.join()

    assert (response.status_code, document_of(response)["data"]["attributes"]["status"]) == (202, "cancelled")
    assert "Retry-After" not in response.headers


def test_a_key_covers_the_enqueue_and_cannot_wait(api: ApiClient) -> None:
    headers = {"Idempotency-Key": "a"}
    first = send(api, "POST", "imports", BODY, **headers, Prefer="respond-async, wait=10")
    assert_accepted(api, first, "create", applied="respond-async")
    run_next()

    for prefer in ({}, {"Prefer": "respond-async"}, WAITS):
        assert_replayed(first, send(api, "POST", "imports", BODY, **headers, **prefer))
    assert (Operation.objects.count(), Import.objects.count()) == (1, 1)


def test_a_key_of_a_synchronous_request_has_its_response_whatever_is_preferred_later(api: ApiClient) -> None:
    headers = {"Idempotency-Key": "a"}
    first = send(api, "POST", "imports", BODY, **headers)

    again = send(api, "POST", "imports", BODY, **headers, **LATER)

    assert (first.status_code, again.status_code, is_replay(again)) == (201, 201, True)
    assert not Operation.objects.exists()


def test_large_bodies_are_queued_only_where_the_setting_says_so(
    api: ApiClient, settings: Settings, acme: NewOrganization
) -> None:
    assert settings.ASYNC_BODY_BYTES is None
    settings.ASYNC_BODY_BYTES = 60
    import_ = create(acme)

    assert_accepted(api, send(api, "POST", f"imports/{import_.pk}/import", BODY), "import", import_.pk)
    run_next()
    small = send(api, "PATCH", f"imports/{import_.pk}/revert")

    assert (small.status_code, Operation.objects.count()) == (200, 1)


def test_cancelling_ends_a_queued_operation_and_only_once(api: ApiClient) -> None:
    send(api, "POST", "imports", BODY, **LATER)
    operation = Operation.objects.get()

    response = api.request("POST", f"operations/{operation.pk}/cancel")

    assert response.status_code == 200
    assert "Retry-After" not in response.headers
    shown = document_of(response)
    assert list(shown) == ["data", "meta"]
    assert shown["data"]["attributes"]["finished_at"] is not None
    assert without_times(shown["data"]) == of_operation(api, operation.pk, kind="create", status="cancelled")
    assert_error(
        api.request("POST", f"operations/{operation.pk}/cancel"),
        409,
        "conflict",
        "The operation is in status 'cancelled' and cannot be cancelled",
    )
    assert run_next() is False


@pytest.mark.parametrize("kind", [Kind.IMPORT, Kind.REVERT])
def test_a_finished_operation_is_not_cancelled(api: ApiClient, kind: Kind) -> None:
    import_id = api.stage(ROWS) if kind == Kind.IMPORT else api.run(ROWS)
    method, path = ("POST", "import") if kind == Kind.IMPORT else ("PATCH", "revert")
    send(api, method, f"imports/{import_id}/{path}", **LATER)
    run_next()

    response = api.request("POST", f"operations/{Operation.objects.get().pk}/cancel")

    assert_error(response, 409, "conflict", "The operation is in status 'succeeded' and cannot be cancelled")


def test_the_document_of_a_cancel_request_is_checked(api: ApiClient) -> None:
    send(api, "POST", "imports", BODY, **LATER)
    path = f"operations/{Operation.objects.get().pk}/cancel"

    wrong_type = api.send("POST", path, {"data": {"type": "imports"}})
    assert_error(
        wrong_type,
        409,
        "conflict",
        "Type 'imports' is not 'operations', which this endpoint is about",
        source={"pointer": "data/type"},
    )
    unknown = api.send("POST", path, {"data": {"type": "operations", "attributes": {"x": 1}}})
    assert_error(unknown, 422, "invalid_attribute", "is not a known attribute", source={"pointer": "data/attributes/x"})
    assert Operation.objects.get().status == Status.QUEUED
