"""Responses that are not stored (invalid requests, busy records, failures): a retry with the key runs the work."""

from __future__ import annotations

import json
from typing import Any, Never

import pytest
from pytest_django import Settings

from importsvc.errors import Busy, RecordNotFound
from importsvc.idempotency.models import IdempotencyKey
from importsvc.imports import services
from importsvc.imports.models import Import, ImportState
from importsvc.jsonapi.document.renderers import JsonApiRenderer
from tests.builders import PUBLISHED_ROWS
from tests.client import ApiClient, assert_error, assert_replayed, is_replay
from tests.snapshots import take_snapshot

DOCUMENT: dict[str, Any] = {"data": {"type": "imports", "attributes": {"import_data": PUBLISHED_ROWS}}}
KEYS = ("idempotency_idempotencykey",)
ROWS = json.dumps(DOCUMENT)


def changes_of(import_id: str) -> int:
    return Import.objects.get(pk=import_id).changes.count()


@pytest.mark.parametrize(
    ("status", "path", "body", "headers"),
    [
        (400, "imports", "{", {}),
        (400, "imports", None, {}),
        (400, "imports?banana=1", ROWS, {}),
        (401, "imports", ROWS, {"X-Auth-Token": None}),
        (403, "imports", ROWS, {"X-Organization-Id": "0"}),
        (403, "imports", json.dumps({"data": {**DOCUMENT["data"], "id": "1"}}), {}),
        (406, "imports", ROWS, {"Accept": "text/html"}),
        (409, "imports", json.dumps({"data": {"type": "people"}}), {}),
        (415, "imports", ROWS, {"Content-Type": "application/json"}),
        (404, "nothing", ROWS, {}),
        (405, "imports/1", ROWS, {}),
        (400, "imports/1/import", None, {"If-Match": "banana"}),
    ],
)
def test_an_error_in_the_request_itself_is_not_stored(
    keyed: ApiClient, status: int, path: str, body: str | None, headers: dict[str, str | None]
) -> None:
    first, again = (keyed.request("POST", path, body, headers=headers) for _ in "12")

    assert (first.status_code, again.status_code, again.content) == (status, status, first.content)
    assert not is_replay(again)
    assert not IdempotencyKey.objects.exists()
    assert keyed.request("POST", "imports", ROWS).status_code == 201


def test_a_body_that_is_too_large_is_not_stored(keyed: ApiClient, settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 10

    assert keyed.request("POST", "imports", ROWS).status_code == 413
    assert not IdempotencyKey.objects.exists()


def test_a_busy_import_is_not_stored_and_a_retry_runs_it(
    api: ApiClient, keyed: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = api.stage(PUBLISHED_ROWS)
    before = take_snapshot()

    def be_busy(**_: Any) -> Never:
        raise Busy("Others are writing the same records at this moment")

    with monkeypatch.context() as patched:
        patched.setattr(services, "run_import", be_busy)
        response = keyed.request("POST", f"imports/{import_id}/import")
    assert_error(response, 409, "conflict", "Others are writing the same records at this moment")
    assert take_snapshot() == before

    response = keyed.request("POST", f"imports/{import_id}/import")
    assert (response.status_code, is_replay(response)) == (200, False)
    assert changes_of(import_id) == 2


@pytest.mark.parametrize("fails_for", ["documents", "errors"])
def test_a_failure_while_the_response_is_written_rolls_back_the_work_and_a_retry_runs_it(
    api: ApiClient, keyed: ApiClient, monkeypatch: pytest.MonkeyPatch, fails_for: str
) -> None:
    import_id = api.stage(PUBLISHED_ROWS)
    if fails_for == "errors":
        api.request("POST", f"imports/{import_id}/import")
    before = take_snapshot()
    render = JsonApiRenderer.render

    def fail(renderer: JsonApiRenderer, data: Any, *arguments: Any) -> bytes:
        spoilt = isinstance(data, dict) if fails_for == "documents" else data[0]["code"] == "conflict"
        if spoilt:
            raise RuntimeError("no more memory")
        return render(renderer, data, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(JsonApiRenderer, "render", fail)
        response = keyed.request("POST", f"imports/{import_id}/import")
    assert_error(response, 500, "server_error", "Something went wrong on our side")
    assert take_snapshot() == before

    response = keyed.request("POST", f"imports/{import_id}/import")
    assert response.status_code == (200 if fails_for == "documents" else 409)
    assert_replayed(response, keyed.request("POST", f"imports/{import_id}/import"))
    assert changes_of(import_id) == 2


def test_a_failure_after_the_work_rolls_it_back(
    api: ApiClient, keyed: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = api.stage(PUBLISHED_ROWS)
    before = take_snapshot()

    def break_down(**arguments: Any) -> Never:
        run(**arguments)
        raise RuntimeError("the disk is full")

    run = services.run_import
    with monkeypatch.context() as patched:
        patched.setattr(services, "run_import", break_down)
        response = keyed.request("POST", f"imports/{import_id}/import")

    assert_error(response, 500, "server_error", "Something went wrong on our side")
    assert take_snapshot() == before
    assert keyed.request("POST", f"imports/{import_id}/import").status_code == 200
    assert Import.objects.get(pk=import_id).state == ImportState.PROCESSED


def test_a_refusal_after_the_work_rolls_it_back_and_is_stored(
    api: ApiClient, keyed: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = api.stage(PUBLISHED_ROWS)
    before = take_snapshot(without=KEYS)

    def lose(**arguments: Any) -> Never:
        run(**arguments)
        raise RecordNotFound

    run = services.run_import
    with monkeypatch.context() as patched:
        patched.setattr(services, "run_import", lose)
        first = keyed.request("POST", f"imports/{import_id}/import")

    assert_error(first, 404, "record_not_found", "The requested record was not found")
    assert take_snapshot(without=KEYS) == before
    assert_replayed(first, keyed.request("POST", f"imports/{import_id}/import"))
