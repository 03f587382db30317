"""The example of each error code in the description is a response of the service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from importsvc.environment.variable import Rate
from importsvc.jsonapi import views
from importsvc.jsonapi.errors import STATUSES, write_error
from importsvc.openapi.errors import read_examples
from importsvc.operations.errors import WorkerLost
from people.services import NewOrganization
from tests.client import ApiClient, document_of
from tests.imports.steps import stage
from tests.server.sockets import exchange
from tests.service import run_service

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = {"company": [{"name": "Import"}], "person": [{"first_name": "", "company": "Imprt"}]}

# What a client may send that no view sees, by code.
AT_THE_SERVER = {
    "uri_too_long": f"GET /api/v2/imports?{'a' * 70_000} HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "expectation_failed": "GET /api/v2/imports HTTP/1.1\r\nHost: localhost\r\nExpect: x\r\n\r\n",
    "request_header_fields_too_large": f"GET /api/v2/imports HTTP/1.1\r\nHost: localhost\r\nX: {'a' * 9_000}\r\n\r\n",
}


def respond(api: ApiClient, acme: NewOrganization) -> Iterator[tuple[str, Any]]:
    """Codes with responses that have them."""

    def get(path: str, **headers: str | None) -> Any:
        return document_of(api.request("GET", path, headers=headers))

    import_id = stage(acme, {"company": [{"name": "Import"}]}).pk
    keyed = {"Idempotency-Key": "key"}
    yield "bad_request", document_of(api.request("POST", "imports", "{"))
    yield "unsupported_filter", get("imports?filter[state]=created")
    yield "unsupported_sort", get("imports?sort=name")
    yield "unsupported_include", get("imports?include=rows")
    yield "unsupported_parameter", get("imports?limit=10")
    yield "unsupported_filter_value", get("imports?filter[sample]=maybe")
    yield "invalid_page", get("imports?page[number]=0")
    yield "unauthenticated", get("imports", **{"X-Auth-Token": None})
    yield "access_denied", get("imports", **{"X-Organization-Id": "1000000"})
    yield "record_not_found", get("imports/1000000")
    yield "method_not_allowed", document_of(api.request("DELETE", f"imports/{import_id}"))
    yield "not_acceptable", get("imports", Accept="text/html")
    yield "conflict", document_of(api.request("PATCH", f"imports/{import_id}/revert"))
    tag = {"If-Match": '"1"'}
    yield "precondition_failed", document_of(api.request("POST", f"imports/{import_id}/import", headers=tag))
    yield "unsupported_media_type", document_of(api.request("POST", "imports", "a", content_type="text/csv"))
    yield "invalid_attribute", document_of(api.send_import("POST", "imports", import_data=ROWS))
    api.request("POST", f"imports/{import_id}/import", headers=keyed)
    yield "idempotency_key_reused", document_of(api.request("PATCH", f"imports/{import_id}/revert", headers=keyed))


def respond_to_limits(api: ApiClient, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Any]]:
    """The codes that take a limit or a fault."""
    with monkeypatch.context() as patched:
        patched.setattr(settings, "MAX_BODY_BYTES", 1_024)
        yield "payload_too_large", document_of(api.request("POST", "imports", " " * 1_025))
        patched.setattr(settings, "RATE_LIMITS", {"token": Rate(1, 86_400), "organization": None})
        api.get("imports")
        yield "too_many_requests", document_of(api.get("imports"))
    with monkeypatch.context() as patched:
        patched.setattr(views, "check_query", lambda *_: 1 / 0)
        yield "server_error", document_of(api.get("imports"))
    yield "worker_lost", {"errors": [write_error(WorkerLost())]}


def test_the_example_of_each_code_is_a_response(
    api: ApiClient, acme: NewOrganization, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    responses = dict(respond(api, acme)) | dict(respond_to_limits(api, settings, monkeypatch))
    with run_service(WORKERS="0", THREADS="2") as service:
        for code, sent in AT_THE_SERVER.items():
            (response,) = exchange(service.port, sent, then_closes=True)
            responses[code] = response.document

    # These two take time, and have tests of their own.
    assert set(STATUSES) - set(responses) == {"request_timeout", "service_unavailable"}
    for code, document in responses.items():
        assert document["errors"][0]["code"] == code
    examples = read_examples()
    assert set(examples) == set(STATUSES)
    assert {code: examples[code] for code in responses} == responses
