"""Every row of the contract's table of errors (section 2.2) as a whole document of a real request."""

from __future__ import annotations

import json
from typing import Any, Never

import pytest
from pytest_django import Settings

from importsvc.http import SMALL_BODY_BYTES
from tests.builders import PUBLISHED_ROWS
from tests.client import ApiClient, assert_error, document_of

NO_JSON = "The request body is not valid JSON: "


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (None, "The request has no body"),
        ("{", NO_JSON + "line 1 column 2: Expecting property name enclosed in double quotes"),
        ('{"data":\n}', NO_JSON + "line 2 column 1: Expecting value"),
        ("{} {}", NO_JSON + "line 1 column 4: Extra data"),
        ('{"data": NaN}', NO_JSON + "NaN is not a JSON value"),
        ('{"data": -Infinity}', NO_JSON + "-Infinity is not a JSON value"),
        ('{"data": "\x00"}', NO_JSON + "line 1 column 11: Invalid control character at"),
        (b'{"data": "\xff"}', NO_JSON + "it is not UTF-8"),
        (json.dumps({"data": {}}).encode("utf-16"), NO_JSON + "it is not UTF-8"),
        ("[" * 100_000 + "]" * 100_000, NO_JSON + "it is nested too deep"),
        ('{"data": ' + "1" * 5_000 + "}", NO_JSON + "it has a number of too many digits"),
        ("[]", "The document must be an object"),
    ],
)
def test_a_body_that_is_not_a_document_is_a_bad_request(api: ApiClient, body: str | bytes | None, detail: str) -> None:
    assert_error(api.request("POST", "imports", body), 400, "bad_request", detail)


def test_more_query_parameters_than_django_reads_are_a_bad_request(api: ApiClient) -> None:
    query = "&".join(f"filter[sample]={number}" for number in range(2_001))

    response = api.request("GET", f"imports?{query}", content_type="application/vnd.api+json; charset=utf-8")

    assert_error(response, 400, "bad_request", "The request could not be read")


def test_a_request_without_a_token_is_unauthenticated(api: ApiClient) -> None:
    response = api.request("GET", "imports", headers={"X-Auth-Token": None})

    assert_error(response, 401, "unauthenticated", "You are not authenticated")
    assert response.headers["WWW-Authenticate"] == 'Token realm="api"'


def test_another_organization_is_access_denied(api: ApiClient) -> None:
    response = api.request("GET", "imports", headers={"X-Organization-Id": str(api.caller.organization.pk + 1)})

    assert_error(response, 403, "access_denied", "You are not authorized to access this resource")


def test_an_id_chosen_by_the_client_is_access_denied(api: ApiClient) -> None:
    response = api.send("POST", "imports", {"data": {"type": "imports", "id": "7", "attributes": {}}})

    assert_error(response, 403, "access_denied", "Ids are given by the server", source={"pointer": "data/id"})


@pytest.mark.parametrize("path", ["imports/1", "people/999999999", "companies/0", "organizations/x"])
def test_a_record_that_does_not_exist_is_not_found(api: ApiClient, path: str) -> None:
    assert_error(api.get(path), 404, "record_not_found", "The requested record was not found")


@pytest.mark.parametrize(
    ("path", "refused", "allowed"),
    [
        ("imports", "PUT PATCH DELETE OPTIONS TRACE", "GET, HEAD, POST"),
        ("imports?sort=name", "PUT PATCH DELETE OPTIONS TRACE", "GET, HEAD, POST"),
        ("imports/1", "POST PUT DELETE OPTIONS TRACE", "GET, HEAD, PATCH"),
        ("imports/1/import", "PUT PATCH DELETE OPTIONS", "GET, HEAD, POST"),
        ("imports/1/revert", "PUT POST DELETE OPTIONS", "GET, HEAD, PATCH"),
        ("imports/1/changes", "PUT PATCH POST DELETE OPTIONS", "GET, HEAD"),
        ("people", "POST PUT PATCH DELETE OPTIONS", "GET, HEAD"),
        ("people/1", "POST PUT PATCH DELETE OPTIONS", "GET, HEAD"),
        ("companies", "POST PUT PATCH DELETE OPTIONS", "GET, HEAD"),
        ("companies/1", "POST PUT PATCH DELETE OPTIONS", "GET, HEAD"),
        ("organizations/1", "POST PUT PATCH DELETE OPTIONS BANANA", "GET, HEAD"),
    ],
)
def test_a_method_that_an_endpoint_does_not_have_is_not_allowed(
    api: ApiClient, path: str, refused: str, allowed: str
) -> None:
    for method in refused.split():
        response = api.request(method, path)

        assert_error(response, 405, "method_not_allowed", "This method is not allowed on this endpoint")
        assert response.headers["Allow"] == allowed


def test_a_client_that_does_not_accept_json_api_gets_not_acceptable(api: ApiClient) -> None:
    response = api.get("imports", Accept="text/html")

    detail = "Answers are application/vnd.api+json, which the Accept header does not allow"
    assert_error(response, 406, "not_acceptable", detail)


def test_another_type_is_a_conflict(api: ApiClient) -> None:
    response = api.send("POST", "imports", {"data": {"type": "deals", "attributes": {}}})

    detail = "Type 'deals' is not 'imports', which this endpoint is about"
    assert_error(response, 409, "conflict", detail, source={"pointer": "data/type"})


def test_another_id_than_the_one_in_the_url_is_a_conflict(api: ApiClient) -> None:
    import_id = api.stage(PUBLISHED_ROWS)

    response = api.send("PATCH", f"imports/{import_id}", {"data": {"type": "imports", "id": "0", "attributes": {}}})

    assert_error(response, 409, "conflict", "The id is not the one in the URL", source={"pointer": "data/id"})


def test_documents_that_have_no_rows_are_small(api: ApiClient) -> None:
    sent = json.dumps({"data": {"type": "webhook_endpoints", "attributes": {"url": "banana"}}})
    small, large = (sent + " " * (size - len(sent)) for size in (SMALL_BODY_BYTES, SMALL_BODY_BYTES + 1))

    assert api.request("POST", "webhook_endpoints", small).status_code == 422
    response = api.request("POST", "webhook_endpoints", large)
    assert_error(response, 413, "payload_too_large", "The request body is larger than 65536 bytes")


def test_a_body_that_is_too_large_is_refused_and_one_byte_less_is_not(api: ApiClient, settings: Settings) -> None:
    settings.MAX_BODY_BYTES = 100

    response = api.request("POST", "imports", "x" * 101)

    assert_error(response, 413, "payload_too_large", "The request body is larger than 100 bytes")
    assert api.request("POST", "imports", "x" * 100).status_code == 400


def test_another_media_type_is_unsupported(api: ApiClient) -> None:
    response = api.request("POST", "imports", "{}", content_type="application/json")

    detail = "Requests must be application/vnd.api+json, with no parameters but charset=utf-8, ext=bulk and profile"
    assert_error(response, 415, "unsupported_media_type", detail)


def test_every_wrong_attribute_is_an_error_of_its_own(api: ApiClient) -> None:
    response = api.send_import("POST", "imports", sample="yes", import_model_id="1", banana=1)

    assert response.status_code == 422
    assert document_of(response) == {
        "errors": [
            {
                "status": "422",
                "code": "invalid_attribute",
                "title": "Invalid Attribute",
                "detail": detail,
                "source": {"pointer": f"data/attributes/{attribute}"},
            }
            for attribute, detail in [
                ("import_model_id", "must be a positive whole number"),
                ("sample", "must be true or false"),
                ("import_data", "can't be blank"),
                ("banana", "is not a known attribute"),
            ]
        ]
    }


def list_unknown(count: int) -> list[dict[str, Any]]:
    return [
        {
            "status": "422",
            "code": "invalid_attribute",
            "title": "Invalid Attribute",
            "detail": "is not a known attribute",
            "source": {"pointer": f"data/attributes/x{number}"},
        }
        for number in range(count)
    ]


@pytest.mark.parametrize(("count", "listed"), [(1_000, 1_000), (1_001, 1_000), (30_000, 1_000)])
def test_errors_of_attributes_are_cut_at_a_thousand_and_counted(api: ApiClient, count: int, listed: int) -> None:
    attributes = {f"x{number}": [number] for number in range(count)}
    errors = list_unknown(listed)
    if count > listed:
        errors[0]["meta"] = {"error_count": count}

    for method, path in (("POST", "imports"), ("PATCH", f"imports/{api.stage(PUBLISHED_ROWS)}")):
        for sent in (
            # A known attribute is known at any place.
            {"import_data": PUBLISHED_ROWS, **attributes},
            {**attributes, "import_data": PUBLISHED_ROWS, "sample": True, "started_at": None},
        ):
            response = api.send_import(method, path, **sent)

            assert (response.status_code, document_of(response)) == (422, {"errors": errors})
            assert len(response.content) < 200_000


def test_errors_of_known_attributes_come_first_and_count(api: ApiClient) -> None:
    attributes = {f"x{number}": 1 for number in range(2_000)}

    errors = document_of(api.send_import("POST", "imports", **attributes, sample="yes", on_duplicate=1))["errors"]

    assert [error["source"]["pointer"].split("/")[-1] for error in errors[:4]] == [
        "sample",
        "on_duplicate",
        "import_data",
        "x0",
    ]
    assert (len(errors), errors[0]["meta"]) == (1_000, {"error_count": 2_003})
    assert not any("meta" in error for error in errors[1:])


def test_long_names_of_attributes_are_cut_and_counted(api: ApiClient) -> None:
    attributes = {f"x{number}{'y' * 400_000}": 1 for number in range(8)}

    errors = document_of(api.send_import("POST", "imports", import_data=PUBLISHED_ROWS, **attributes))["errors"]

    assert (len(errors), errors[0]["meta"]) == (3, {"error_count": 8})
    assert all(len(error["source"]["pointer"]) < 200 for error in errors)


@pytest.mark.parametrize(
    ("attributes", "count"),
    [({"on_conflict": "x"}, 1_501), ({"on_duplicate": "x"}, 1_500), ({"import_data": {}, "sample": 1}, 1_501)],
)
def test_attributes_that_only_a_revert_knows_are_known_at_any_place(
    api: ApiClient, attributes: dict[str, Any], count: int
) -> None:
    path = f"imports/{api.run(PUBLISHED_ROWS)}/revert"
    many = {f"x{number}": 1 for number in range(1_500)}

    for sent in ({**attributes, **many}, {**many, **attributes}):
        errors = document_of(api.send_import("PATCH", path, **sent))["errors"]
        assert (len(errors), errors[0]["meta"]) == (1_000, {"error_count": count})


def crash(*args: Any, **kwargs: Any) -> Never:
    raise RuntimeError("secret")


@pytest.mark.parametrize(
    "broken",
    [
        "importsvc.imports.services.create_import",
        "importsvc.jsonapi.document.renderers.JsonApiRenderer.render",
        "people.authentication._find_token",
        "importsvc.jsonapi.views.check_query",
    ],
)
def test_an_internal_error_is_reported_without_its_reason_and_logged_with_it(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    monkeypatch.setattr(broken, crash)

    response = api.send_import("POST", "imports", import_data=PUBLISHED_ROWS)

    assert_error(response, 500, "server_error", "Something went wrong on our side")
    assert any(record.exc_info and str(record.exc_info[1]) == "secret" for record in caplog.records)


def test_an_internal_error_rolls_back_everything(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    import_id = api.stage(PUBLISHED_ROWS)
    monkeypatch.setattr("importsvc.imports.services.importing.save_fields", crash)

    assert api.request("POST", f"imports/{import_id}/import").status_code == 500
    monkeypatch.undo()
    assert document_of(api.get("companies"))["meta"]["total_count"] == 1
