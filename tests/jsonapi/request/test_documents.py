"""The documents of requests: their structure, and the members that are read (JSON:API 1.1, section 9)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from people.services import NewOrganization
from tests.builders import PUBLISHED_ROWS, make_import
from tests.client import ApiClient, assert_error, document_of

ATTRIBUTES = {"import_data": PUBLISHED_ROWS}
ROWS = {"company": [{"name": "Staged"}]}
WRONG_OBJECTS: list[Any] = [None, True, 1, 1.5, "text", [], [{}]]
NO_TEXT: list[Any] = [None, True, 1, [], {}]


def document(**members: Any) -> dict[str, Any]:
    return {"data": {"type": "imports", "attributes": ATTRIBUTES, **members}}


@pytest.fixture
def endpoints(api: ApiClient) -> list[tuple[str, str]]:
    """The endpoints that take a document, each for an import in the right state."""
    created, processed = api.stage(PUBLISHED_ROWS), api.run({"company": [{"name": "Processed"}]})
    return [
        ("POST", "imports"),
        ("PATCH", f"imports/{created}"),
        ("POST", f"imports/{created}/import"),
        ("PATCH", f"imports/{processed}/revert"),
    ]


def assert_bad_request(
    api: ApiClient, endpoints: list[tuple[str, str]], sent: str, detail: str, pointer: str | None
) -> None:
    source = {"source": {"pointer": pointer}} if pointer else {}
    for method, path in endpoints:
        assert_error(api.request(method, path, sent), 400, "bad_request", detail, **source)


@pytest.mark.parametrize(
    ("sent", "detail", "pointer"),
    [
        *((wrong, "The document must be an object", None) for wrong in WRONG_OBJECTS),
        *(({"data": wrong}, "'data' must be an object", "data") for wrong in WRONG_OBJECTS[1:]),
        *(
            (document(attributes=wrong), "'data/attributes' must be an object", "data/attributes")
            for wrong in WRONG_OBJECTS
        ),
        *(
            (document(relationships=wrong), "'data/relationships' must be an object", "data/relationships")
            for wrong in WRONG_OBJECTS
        ),
        *((document(type=wrong), "The resource object has no type", "data/type") for wrong in NO_TEXT),
    ],
)
def test_a_wrong_json_type_in_the_structure_of_the_document_is_a_bad_request(
    api: ApiClient, endpoints: list[tuple[str, str]], sent: Any, detail: str, pointer: str | None
) -> None:
    assert_bad_request(api, endpoints, json.dumps(sent), detail, pointer)


@pytest.mark.parametrize(
    ("sent", "detail", "pointer"),
    [
        ({}, "The document has no primary data", "data"),
        ({"meta": {}}, "The document has no primary data", "data"),
        ({"data": None}, "The document has no primary data", "data"),
        ({"data": {}}, "The resource object has no type", "data/type"),
    ],
)
def test_an_empty_document_is_a_bad_request_where_a_document_is_required(
    api: ApiClient, endpoints: list[tuple[str, str]], sent: Any, detail: str, pointer: str
) -> None:
    assert_bad_request(api, endpoints[:2], json.dumps(sent), detail, pointer)


@pytest.mark.parametrize("sent", [{}, {"meta": {}}, {"data": None}, {"data": {}}])
def test_an_empty_document_is_no_document_where_none_is_required(
    api: ApiClient, endpoints: list[tuple[str, str]], sent: Any
) -> None:
    answers = [api.send(method, path, sent) for method, path in endpoints[2:]]
    queued = api.request("POST", f"imports/{api.stage(ROWS)}/import", headers={"Prefer": "respond-async"})
    answers.append(api.send("POST", f"operations/{document_of(queued)['data']['id']}/cancel", sent))

    assert [answer.status_code for answer in answers] == [200, 200, 200]


@pytest.mark.parametrize("sent", [{"data": {"attributes": {}}}, {"data": {"banana": 1}}, {"data": {"id": "1"}}])
def test_a_resource_object_with_members_needs_a_type_everywhere(
    api: ApiClient, endpoints: list[tuple[str, str]], sent: Any
) -> None:
    assert_bad_request(api, endpoints, json.dumps(sent), "The resource object has no type", "data/type")


@pytest.mark.parametrize(
    ("sent", "detail", "pointer"),
    [
        ('{"data": {}, "data": {}}', "The document names 'data' twice", None),
        ('{"data": {"type": "imports", "type": "imports"}}', "'data' names 'type' twice", "data"),
        (
            '{"data": {"type": "imports", "attributes": {"sample": true, "sample": true}}}',
            "'data/attributes' names 'sample' twice",
            "data/attributes",
        ),
        (
            '{"data": {"type": "imports", "relationships": {"\\ud800": 1, "\\ud800": 1}}}',
            "'data/relationships' names '?' twice",
            "data/relationships",
        ),
    ],
)
def test_a_member_that_is_named_twice_is_a_bad_request(
    api: ApiClient, endpoints: list[tuple[str, str]], sent: str, detail: str, pointer: str | None
) -> None:
    assert_bad_request(api, endpoints, sent, detail, pointer)


def test_a_document_of_another_type_is_a_conflict_everywhere(api: ApiClient, endpoints: list[tuple[str, str]]) -> None:
    detail = "Type 'Imports' is not 'imports', which this endpoint is about"
    for method, path in endpoints:
        response = api.send(method, path, document(type="Imports"))

        assert_error(response, 409, "conflict", detail, source={"pointer": "data/type"})


@pytest.mark.parametrize(
    "relationships",
    [
        {"creator": {"data": {"type": "people", "id": "1000000"}}},
        {"creator": {"data": {"type": "companies", "id": "{creator}"}}},
        {"creator": {"data": None}},
        {"creator": {"data": []}},
        {"creator": {"data": {"type": "people"}}},
        {"creator": {"data": "people"}},
        {"creator": {}},
        {"creator": None},
        {"creator": []},
        {"banana": {"data": None}},
        {"organization": {"data": {"type": "organizations", "id": 1000000}}},
        {"creator": {"data": {"type": "people", "id": "{creator}"}}, "organization": {"data": None}},
    ],
)
def test_relationships_cannot_be_changed_anywhere(
    api: ApiClient, endpoints: list[tuple[str, str]], relationships: Any
) -> None:
    given = json.loads(json.dumps(relationships).replace("{creator}", str(api.caller.person.pk)))
    for method, path in endpoints:
        response = api.send(method, path, document(relationships=given))

        detail = "Relationships of this resource cannot be written"
        assert_error(response, 403, "access_denied", detail, source={"pointer": "data/relationships"})


def test_relationships_of_a_new_resource_cannot_be_chosen(api: ApiClient) -> None:
    own = {"creator": {"data": {"type": "people", "id": str(api.caller.person.pk)}}}

    response = api.send("POST", "imports", document(relationships=own))

    detail = "Relationships of this resource cannot be written"
    assert_error(response, 403, "access_denied", detail, source={"pointer": "data/relationships"})


def test_a_document_that_was_read_can_be_changed_and_sent_back(
    api: ApiClient, endpoints: list[tuple[str, str]]
) -> None:
    for method, path in endpoints[1:]:
        resource = document_of(api.get("/".join(path.split("/")[:2])))["data"]
        if (method, path) == endpoints[1]:
            resource["attributes"] |= {**ATTRIBUTES, "sample": True}
        # Some clients write every id as text, and add links and meta.
        resource["relationships"]["organization"]["data"]["id"] = str(api.caller.organization.pk)
        resource["relationships"]["creator"] |= {"links": {"self": "/x"}, "meta": {}}

        response = api.send(method, path, {"data": resource})

        assert response.status_code == 200, response.content

    assert document_of(api.get(endpoints[1][1]))["data"]["attributes"]["sample"] is True


def test_relationships_of_a_record_that_is_not_there_are_a_404(
    globex: NewOrganization, endpoints: list[tuple[str, str]]
) -> None:
    other_api = ApiClient(globex)
    relationships = {"creator": {"data": {"type": "people", "id": "1"}}}
    for method, path in endpoints[1:]:
        response = other_api.send(method, path, document(relationships=relationships))

        assert_error(response, 404, "record_not_found", "The requested record was not found")


@pytest.mark.parametrize("wrong", NO_TEXT)
def test_an_id_that_is_not_a_string_is_a_bad_request(
    api: ApiClient, endpoints: list[tuple[str, str]], wrong: object
) -> None:
    sent = json.dumps(document(id=wrong))

    assert_bad_request(api, endpoints[1:], sent, "The id must be a string", "data/id")


def test_the_id_of_the_url_may_be_repeated_and_may_be_left_out(
    api: ApiClient, endpoints: list[tuple[str, str]]
) -> None:
    update, run, revert = endpoints[1:]
    with_id = document(id=run[1].split("/")[1])

    answers = [api.send(*update, document()), api.send(*update, with_id), api.send(*run, with_id)]
    answers.append(api.send(*revert, {"data": {"type": "imports", "id": revert[1].split("/")[1]}}))

    assert [answer.status_code for answer in answers] == [200, 200, 200, 200]


def test_members_without_a_meaning_for_the_endpoint_are_ignored(api: ApiClient) -> None:
    sent = {
        **document(relationships={}, meta={"a": 1}, links={"self": "/"}),
        "jsonapi": {"version": "1.1"},
        "meta": None,
        "included": [],
    }

    assert api.send("POST", "imports", sent).status_code == 201


def test_read_only_attributes_are_ignored_in_a_new_resource_and_in_a_run_or_a_revert(api: ApiClient) -> None:
    stamp = "2020-01-01T00:00:00.000+01:00"
    read_only = {"creator_id": 7, "started_at": stamp, "processed_at": stamp, "reverted_at": "banana"}

    created = document_of(api.send_import("POST", "imports", **ATTRIBUTES, **read_only))["data"]
    path = f"imports/{created['id']}"

    assert created["attributes"] == {
        "import_model_id": None,
        "creator_id": api.caller.person.pk,
        "sample": False,
        "started_at": None,
        "processed_at": None,
        "reverted_at": None,
    }
    assert api.send_import("POST", f"{path}/import", **read_only, sample=True, import_model_id=7).status_code == 200
    reverted = document_of(api.send_import("PATCH", f"{path}/revert", **read_only, sample=True))["data"]
    assert reverted["attributes"]["sample"] is False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("creator_id", 1_000_000),
        ("creator_id", True),
        ("creator_id", "{creator}"),
        ("creator_id", None),
        ("started_at", "2020-01-01T00:00:00.000+01:00"),
        ("started_at", "banana"),
        ("processed_at", False),
        ("reverted_at", ""),
        ("pruned_at", []),
        ("counts", {}),
        ("state", "processed"),
        ("state", None),
    ],
)
def test_an_update_that_changes_a_read_only_attribute_is_refused(api: ApiClient, name: str, value: Any) -> None:
    path = f"imports/{api.stage(ROWS)}"
    before = document_of(api.get(path))
    value = str(api.caller.person.pk) if value == "{creator}" else value

    response = api.send_import("PATCH", path, **ATTRIBUTES, sample=True, **{name: value})

    source = {"pointer": f"data/attributes/{name}"}
    detail = "is read-only, and differs from the record's"
    assert_error(response, 422, "invalid_attribute", detail, source=source)
    assert document_of(api.get(path)) == before


def test_all_changed_read_only_attributes_are_reported_with_the_other_errors(api: ApiClient) -> None:
    path = f"imports/{api.stage(ROWS)}"

    response = api.send_import("PATCH", path, banana=1, state="reverted", creator_id=0, started_at=None)

    assert response.status_code == 422
    assert {error["source"]["pointer"]: error["detail"] for error in document_of(response)["errors"]} == {
        "data/attributes/banana": "is not a known attribute",
        "data/attributes/import_data": "can't be blank",
        "data/attributes/state": "is read-only, and differs from the record's",
        "data/attributes/creator_id": "is read-only, and differs from the record's",
    }


def test_read_only_attributes_of_a_record_that_is_not_there_are_a_404(globex: NewOrganization, api: ApiClient) -> None:
    path = f"imports/{api.stage(ROWS)}"

    response = ApiClient(globex).send_import("PATCH", path, **ATTRIBUTES, state="created")

    assert_error(response, 404, "record_not_found", "The requested record was not found")


@pytest.mark.parametrize("name", ["banana", "type", "", "import-data", "Sample", "\ud800", "\x00", "x" * 1_000])
def test_unknown_attributes_are_named(api: ApiClient, endpoints: list[tuple[str, str]], name: str) -> None:
    shown = {"\ud800": "?", "\x00": "\N{REPLACEMENT CHARACTER}"}.get(name, name)
    pointer = f"data/attributes/{shown}"
    pointer = pointer if len(pointer) <= 100 else f"{pointer[:100]}…"
    for method, path in endpoints[:3]:
        response = api.send_import(method, path, **ATTRIBUTES, **{name: 1})

        assert_error(response, 422, "invalid_attribute", "is not a known attribute", source={"pointer": pointer})


def test_a_revert_takes_no_rows(api: ApiClient, endpoints: list[tuple[str, str]]) -> None:
    source = {"pointer": "data/attributes/import_data"}

    assert_error(
        api.send(*endpoints[3], document()), 422, "invalid_attribute", "is not a known attribute", source=source
    )


@pytest.mark.parametrize(
    ("attribute", "detail", "values"),
    [
        ("sample", "must be true or false", [0, 1, "true", "", [], {}, 1.0]),
        (
            "import_model_id",
            "must be a positive whole number",
            [0, -1, 2**63, 10**1_000, True, 1.0, 1.5, "1", "", [], {}],
        ),
        ("import_data", "can't be blank", [None, "", " \n"]),
    ],
)
def test_a_wrong_value_of_an_attribute_is_a_422_that_points_to_it(
    api: ApiClient, attribute: str, detail: str, values: list[Any]
) -> None:
    for method, path in [("POST", "imports"), ("PATCH", f"imports/{make_import(creator=api.caller.person).pk}")]:
        for value in values:
            response = api.send_import(method, path, **{**ATTRIBUTES, attribute: value})

            source = {"pointer": f"data/attributes/{attribute}"}
            assert_error(response, 422, "invalid_attribute", detail, source=source)


@pytest.mark.parametrize("value", [None, 1, 2**63 - 1])
def test_the_model_of_an_import_is_any_positive_bigint_or_null(api: ApiClient, value: int | None) -> None:
    created = document_of(api.send_import("POST", "imports", **ATTRIBUTES, import_model_id=value))["data"]

    assert created["attributes"]["import_model_id"] == value


def test_a_created_import_has_a_location_header(api: ApiClient) -> None:
    response = api.send("POST", "imports?include=&fields[imports]=sample", document())

    location = response.headers["Location"]
    assert location == f"http://testserver/api/v2/imports/{document_of(response)['data']['id']}"
    found = api.get(location.removeprefix("http://testserver") + "?include=&fields[imports]=sample")
    assert document_of(found) == document_of(response)


def test_import_data_is_in_no_response(api: ApiClient, endpoints: list[tuple[str, str]]) -> None:
    answers = [api.send("POST", "imports", document()), api.get("imports"), api.get(endpoints[1][1])]
    answers += [api.send(*endpoint, document()) for endpoint in endpoints[1:3]]
    answers.append(api.request(*endpoints[3]))

    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 200, 200]
    assert not any(b"import_data" in answer.content or b"john@mail.com" in answer.content for answer in answers)


def test_members_without_a_meaning_are_ignored_however_many_there_are(api: ApiClient) -> None:
    many: dict[str, Any] = {f"member{number}": [{}] for number in range(3_000)}

    sent = {**many, **document(**many)}

    assert api.send("POST", "imports", sent).status_code == 201
    sent = {**many, "data": {**many, "type": "imports", "attributes": ATTRIBUTES, "relationships": {"creator": {}}}}
    assert api.send("POST", "imports", sent).status_code == 403
