"""Each request has an id, and refusals, failures, imports and reverts are lines of the log, without anyone's data."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from django.test import RequestFactory
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from importsvc.monitoring.requests import get_route
from people.services import NewOrganization
from tests.client import ApiClient, WsgiClient
from tests.monitoring.log_lines import Lines, logged_lines

ROWS = {"company": [{"name": "Hidden Ltd"}], "person": [{"First Name": "Hedy", "Email": "hedy@hidden.test"}]}
REFUSED = {"person": [{"First Name": "Hedy", "Email": "hedy.hidden.test"}]}


def read_refusals(lines: Lines) -> list[dict[str, Any]]:
    return [{**line, "request_id": "…"} for line in lines.read("importsvc.requests")]


@pytest.mark.parametrize("given", ["a", "3f2b-77", "Root=1-67891233-abcdef", "x" * 128])
def test_the_id_of_a_request_is_that_of_its_response(api: ApiClient, given: str) -> None:
    assert api.get("imports", **{"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", [None, "", "x" * 129, "a b", "a\tb", "é", '"', "a,b", "<script>"])
def test_an_id_that_is_missing_or_not_acceptable_is_made(api: ApiClient, given: str | None) -> None:
    ids = {api.get("imports", **{"X-Request-Id": given}).headers["X-Request-Id"] for _ in range(2)}

    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


def test_a_refusal_has_an_id_too(api: ApiClient) -> None:
    assert api.get("nothing", **{"X-Request-Id": "a"}).headers["X-Request-Id"] == "a"
    assert WsgiClient().generic("GET", "/admin/", headers={"X-Request-Id": "b"}).headers["X-Request-Id"] == "b"


def test_a_request_without_a_valid_token_is_a_line(api: ApiClient) -> None:
    with logged_lines() as lines:
        api.get("imports/7", **{"X-Auth-Token": "secret.token", "X-Request-Id": "a"})

    expected = {"message": "401 GET /api/v2/imports/{pk}", "request_id": "a", "status": 401, "method": "GET"}
    assert lines.read() == [{**expected, "route": "/api/v2/imports/{pk}", "import": 7}]


def test_a_request_for_another_organization_is_a_line(api: ApiClient, globex: NewOrganization) -> None:
    with logged_lines() as lines:
        api.get("people?filter[email]=ada@acme.test", **{"X-Organization-Id": str(globex.organization.pk)})

    expected = {"message": "403 GET /api/v2/people", "request_id": "…", "status": 403, "method": "GET"}
    assert read_refusals(lines) == [{**expected, "route": "/api/v2/people"}]


def test_a_body_that_is_too_large_is_a_line_with_the_organization(api: ApiClient, settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 10

    with logged_lines() as lines:
        api.request("POST", "imports", "x" * 11)

    expected = {"message": "413 POST /api/v2/imports", "request_id": "…", "organization": api.caller.organization.pk}
    assert read_refusals(lines) == [{**expected, "status": 413, "method": "POST", "route": "/api/v2/imports"}]


@pytest.mark.parametrize("host", ["evil.test", "a b", "[", "127.0.0.1:x", "", "x" * 300])
def test_a_host_header_that_is_not_allowed_is_a_line_that_names_the_setting(db: None, host: str) -> None:
    with logged_lines() as lines:
        response = WsgiClient().generic("GET", "/api/v2/imports", headers={"Host": host})

    assert response.status_code == 400
    shown = host if len(host) <= 100 else host[:100]
    message = f"400 GET unmatched: the Host header {shown!r} is not one of ALLOWED_HOSTS"
    expected = {"message": message, "request_id": "…", "status": 400, "method": "GET", "route": "unmatched"}
    assert read_refusals(lines) == [expected]


def test_what_is_ordinary_is_no_line(api: ApiClient) -> None:
    with logged_lines() as lines:
        answers = [
            api.get("imports"),
            api.request("HEAD", "imports"),
            api.get("imports/99"),
            api.get("imports?sort=nothing"),
            api.request("PUT", "imports"),
            api.send_import("POST", "imports", import_data=REFUSED),
            api.get("nothing"),
        ]

    assert [answer.status_code for answer in answers] == [200, 200, 404, 400, 405, 422, 404]
    assert lines.json.getvalue() == ""


def test_at_the_level_debug_every_request_is_a_line(api: ApiClient) -> None:
    with logged_lines(logging.DEBUG) as lines:
        api.request("BANANA", "imports")

    assert [line["message"] for line in lines.read("importsvc.requests")] == ["405 OTHER /api/v2/imports"]


def test_a_failure_of_the_service_is_a_line_with_its_exception(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(**_: Any) -> None:
        raise ValueError(ROWS["person"][0]["Email"])

    monkeypatch.setattr("importsvc.imports.services.create_import", crash)

    with logged_lines(logging.ERROR) as lines:
        api.send_import("POST", "imports", import_data=ROWS)

    failure, request = lines.read()
    assert (failure["message"], request["message"]) == ("Unhandled exception", "500 POST /api/v2/imports")
    assert failure["request_id"] == request["request_id"]
    assert failure["exception"].endswith("\nValueError")
    assert "hedy@" not in lines.json.getvalue() + lines.text.getvalue()


def test_imports_and_reverts_are_lines_without_the_values_of_rows(
    api: ApiClient, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    organization = api.caller.organization.pk
    with logged_lines() as lines, django_capture_on_commit_callbacks(execute=True):
        import_id = int(api.run(ROWS))
        api.request("PATCH", f"imports/{import_id}/revert")

    run = {"created": 2, "updated": 0, "unchanged": 0, "skipped": 0}
    reverted = {"removed": 2, "restored": 0, "kept": 0, "gone": 0}
    assert lines.read() == [
        {"message": f"Import {import_id} was run", "organization": organization, "import": import_id, **run},
        {"message": f"Import {import_id} was reverted", "organization": organization, "import": import_id, **reverted},
    ]


def test_no_line_at_any_level_has_values_of_rows_tokens_or_addresses(api: ApiClient) -> None:
    with logged_lines(logging.DEBUG) as lines:
        import_id = api.stage(ROWS)
        api.request("POST", f"imports/{import_id}/import")
        api.send_import("POST", "imports", import_data=REFUSED)
        api.send_import("POST", "imports", import_data=ROWS)
        api.get("people?filter[email]=hedy@hidden.test")
        api.get("hedy@hidden.test")
        api.request("PATCH", f"imports/{import_id}/revert")

    written = lines.json.getvalue() + lines.text.getvalue()
    assert written.count("importsvc.requests") == 2 * 7
    for secret in ("Hedy", "hidden", "Hidden", api.caller.token, "ada@acme.test"):
        assert secret not in written


@pytest.mark.django_db(transaction=True)
def test_the_line_of_an_import_has_the_id_of_the_request_that_ran_it(api: ApiClient) -> None:
    import_id = api.stage(ROWS)

    with logged_lines() as lines:
        api.request("POST", f"imports/{import_id}/import", headers={"X-Request-Id": "a"})
        api.request("POST", f"imports/{import_id}/import")

    assert [(line["message"], line["request_id"]) for line in lines.read()] == [(f"Import {import_id} was run", "a")]


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/health/live", "/health/live"),
        ("/static/admin/css/base.css", "/static/"),
        ("/somewhere", "unmatched"),
    ],
)
def test_paths_that_are_no_urls_of_django_have_few_routes(path: str, route: str) -> None:
    assert get_route(RequestFactory().get(path)) == route


def test_routes_are_written_with_the_names_of_their_parameters(admin_client: Any, api: ApiClient) -> None:
    with logged_lines(logging.DEBUG) as lines:
        admin_client.get("/admin/people/person/17/change/")
        api.get("imports/1/changes")
        api.get("import_models/1/template.csv")

    routes = [line["route"] for line in lines.read("importsvc.requests")]
    assert routes == [
        "/admin/people/person/{object_id}/change/",
        "/api/v2/imports/{pk}/changes",
        "/api/v2/import_models/{pk}/template.csv",
    ]
