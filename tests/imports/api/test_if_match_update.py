"""Updates of an import on the condition that it is as the client has read it (``If-Match``)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import HttpResponse

from importsvc.imports.models import Import
from importsvc.operations.models import Operation
from importsvc.operations.work import run_next
from people.models import Person
from tests.client import ApiClient, assert_error, document_of
from tests.snapshots import take_snapshot

ROWS = {"company": [{"name": "Reds"}]}
OTHER_ROWS = {"company": [{"name": "Blues"}]}

CHANGED = "The import has changed since the response whose ETag If-Match names"


@pytest.fixture
def path(api: ApiClient) -> str:
    return f"imports/{api.stage(ROWS)}"


def read_tag(api: ApiClient, path: str) -> str:
    return api.get(path).headers["ETag"]


def update(api: ApiClient, path: str, tag: str | None, rows: Any = OTHER_ROWS, **headers: str) -> HttpResponse:
    body = json.dumps({"data": {"type": "imports", "attributes": {"import_data": rows}}})
    return api.request("PATCH", path, body, headers={"If-Match": tag, **headers})


def assert_refused(response: HttpResponse) -> None:
    assert_error(response, 412, "precondition_failed", CHANGED, source={"header": "If-Match"})


def test_an_update_with_the_tag_of_the_import_is_done_once(api: ApiClient, path: str) -> None:
    tag = read_tag(api, path)

    done = update(api, path, f'"other", {tag}')
    before = take_snapshot()
    again = update(api, path, tag, ROWS)

    assert (done.status_code, "ETag" in done.headers) == (200, False)
    assert_refused(again)
    assert take_snapshot() == before
    assert update(api, path, read_tag(api, path), ROWS).status_code == 200


def test_an_update_of_rows_alone_changes_the_tag_although_the_document_is_the_same(api: ApiClient, path: str) -> None:
    first = api.get(path)
    assert update(api, path, None).status_code == 200
    second = api.get(path, **{"If-None-Match": first.headers["ETag"]})

    assert (second.status_code, second.content) == (200, first.content)
    assert second.headers["ETag"] != first.headers["ETag"]


def test_any_write_to_the_import_makes_its_tags_outdated(api: ApiClient, path: str) -> None:
    tag = read_tag(api, path)
    Import.objects.update(import_model_id=7)

    assert_refused(update(api, path, tag))


@pytest.mark.parametrize("query", ["", "?include=", "?fields[imports]=counts", "?include=creator&fields[people]=email"])
def test_the_tag_of_any_document_of_the_import_matches(api: ApiClient, path: str, query: str) -> None:
    for make_strong in (False, True):
        tag = read_tag(api, path + query)
        sent = tag.removeprefix("W/") if make_strong else tag

        assert update(api, path, sent).status_code == 200
        assert_refused(update(api, path, sent))


def test_changes_of_what_a_document_includes_do_not_matter(api: ApiClient, path: str) -> None:
    tag = read_tag(api, path)
    Person.objects.update(title="Dr.")

    assert read_tag(api, path) != tag
    assert update(api, path, tag).status_code == 200


def test_a_tag_of_another_import_or_of_a_preview_does_not_match(api: ApiClient, path: str) -> None:
    other = f"imports/{api.stage(ROWS)}"

    assert_refused(update(api, path, read_tag(api, other)))
    assert_refused(update(api, path, read_tag(api, f"{path}/import")))


def test_an_invalid_tag_is_refused_before_anything_else(api: ApiClient, path: str) -> None:
    for header in ("banana", "", '"a', "*,*"):
        response = update(api, path, header)
        detail = "If-Match must be * or a list of tags in quotes"
        assert_error(response, 400, "bad_request", detail, source={"header": "If-Match"})


@pytest.mark.parametrize(("sent", "status"), [("*", 200), ('"*"', 412), ('""', 412), ('"."', 412), (",,", 400)])
def test_a_star_matches_any_version(api: ApiClient, path: str, sent: str, status: int) -> None:
    assert update(api, path, sent).status_code == status


def test_state_comes_before_the_tag_and_the_tag_before_the_rows(api: ApiClient, path: str) -> None:
    wrong = {"company": [{"name": ""}]}
    assert_refused(update(api, path, '"a"', wrong))
    assert update(api, path, read_tag(api, path), wrong).status_code == 422

    assert api.request("POST", f"{path}/import").status_code == 200
    response = update(api, path, '"a"')
    assert_error(response, 409, "conflict", "The import is in state 'processed' and cannot be updated")
    assert update(api, "imports/999999999", '"a"').status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_worker_checks_the_tag_of_a_queued_update(api: ApiClient, path: str) -> None:
    tag = read_tag(api, path)
    for _ in range(2):
        assert update(api, path, tag, Prefer="respond-async").status_code == 202

    while run_next():
        pass

    assert list(Operation.objects.order_by("id").values_list("status", flat=True)) == ["succeeded", "failed"]
    failed = Operation.objects.latest("id")
    assert document_of(api.get(f"operations/{failed.pk}"))["data"]["attributes"]["errors"] == [
        {
            "status": "412",
            "code": "precondition_failed",
            "title": "Precondition Failed",
            "detail": CHANGED,
            "source": {"header": "If-Match"},
        }
    ]


def test_another_tag_makes_another_request_of_an_idempotency_key(api: ApiClient, path: str) -> None:
    tag = read_tag(api, path)
    key = {"Idempotency-Key": "k"}

    first = update(api, path, tag, **key)
    replayed = update(api, path, tag, **key)
    reused = update(api, path, read_tag(api, path), **key)

    assert (first.status_code, replayed.status_code, replayed.content) == (200, 200, first.content)
    assert replayed.headers["Idempotency-Replayed"] == "true"
    assert reused.status_code == 422
