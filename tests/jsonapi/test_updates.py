"""A client may read a resource, change an attribute and send the whole resource back, as JSON:API clients do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.client import ApiClient, assert_error, document_of
from tests.files.uploads import PEOPLE_1252, upload
from tests.openapi.description import read_description, resolve

PERSON = {"First Name": "Ann", "Email": "ann", "Hat": 1.50, "title": None}
ROWS = {"company": [{"name": "Globex"}], "person": [PERSON]}


def stage_rows(api: ApiClient) -> str:
    response = api.send_import("POST", "imports", import_data=ROWS, on_row_error="stage")
    return f"imports/{document_of(response)['data']['id']}"


def stage_file(api: ApiClient) -> str:
    file = upload(api, PEOPLE_1252)
    attributes = {"mapping": file.proposed_mapping}
    linkage = {"import_file": {"data": {"type": "import_files", "id": str(file.pk)}}}
    data = {"type": "imports", "attributes": attributes, "relationships": linkage}
    return f"imports/{document_of(api.send('POST', 'imports', {'data': data}))['data']['id']}"


def save_mapping(api: ApiClient) -> str:
    columns = [{"headers": ["Vorname"], "targets": ["person.first_name"]}]
    attributes = {"name": "Vornamen", "columns": columns, "ignored": ["*"]}
    response = api.send("POST", "import_models", {"data": {"type": "import_models", "attributes": attributes}})
    return f"import_models/{document_of(response)['data']['id']}"


def upload_with_a_saved_mapping(api: ApiClient) -> str:
    save_mapping(api)
    return f"import_files/{upload(api, PEOPLE_1252).pk}"


def make_endpoint(api: ApiClient) -> str:
    attributes = {"url": "https://example.com/hooks", "events": ["import.processed"]}
    response = api.send("POST", "webhook_endpoints", {"data": {"type": "webhook_endpoints", "attributes": attributes}})
    return f"webhook_endpoints/{document_of(response)['data']['id']}"


@dataclass(frozen=True)
class Update:
    """An update of a resource.

    Attributes:
        path: of the resource, as the description has it.
        make: makes the resource, and returns its path.
        changes: the attributes that are changed.
        ignored: the read-only attributes that the service may change at any time.
    """

    path: str
    make: Callable[[ApiClient], str]
    changes: dict[str, Any]
    ignored: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.make.__name__


UPDATES = [
    Update("imports/{id}", stage_rows, {"import_data": {"company": [{"name": "B"}]}}, frozenset({"progress"})),
    Update("imports/{id}", stage_file, {"import_data": {"company": [{"name": "B"}]}}, frozenset({"progress"})),
    Update(
        "imports/{id}/rows/{record_type}/{row}",
        lambda api: f"{stage_rows(api)}/rows/person/1",
        {"cells": {**PERSON, "Email": "ann@globex.test"}},
        frozenset({"errors"}),
    ),
    Update(
        "import_files/{id}",
        upload_with_a_saved_mapping,
        {"decimal_sign": ".", "date_order": "mdy"},
        frozenset({"pruned_at"}),
    ),
    Update("import_models/{id}", save_mapping, {"name": "Nachnamen"}, frozenset({"updated_at"})),
    Update(
        "webhook_endpoints/{id}",
        make_endpoint,
        {"enabled": False},
        frozenset({"updated_at", "disabled_reason", "failing_since"}),
    ),
]


def read_whole(api: ApiClient, path: str) -> Any:
    """The resource object with all attributes, also those that are shown on request."""
    resource = document_of(api.get(path))["data"]
    schema = resolve(f"/components/schemas/{ {'import_rows': 'StagedRow'}.get(resource['type'], resource['type']) }")
    names = [*schema["properties"]["attributes"]["properties"], *schema["properties"]["relationships"]["properties"]]
    return document_of(api.get(f"{path}?fields[{resource['type']}]={','.join(names)}"))["data"]


@pytest.mark.parametrize("update", UPDATES, ids=str)
def test_a_resource_that_was_read_may_be_sent_back_with_a_change(api: ApiClient, update: Update) -> None:
    path = update.make(api)
    read = read_whole(api, path)

    sent = {**read, "attributes": {**read["attributes"], **update.changes}}
    response = api.send("PATCH", path, {"data": sent})

    assert response.status_code == 200, response.content
    shown = {name: value for name, value in update.changes.items() if name in read["attributes"]}
    assert read_whole(api, path)["attributes"].items() >= shown.items()


@pytest.mark.parametrize("update", UPDATES, ids=str)
def test_a_read_only_attribute_that_was_changed_is_refused_unless_the_service_changes_it(
    api: ApiClient, update: Update
) -> None:
    path = update.make(api)
    read = read_whole(api, path)
    read_only = set(read["attributes"]) - set(list_writable(update.path))

    assert update.ignored <= read_only
    for name in sorted(read_only):
        attributes = {**read["attributes"], **update.changes, name: [read["attributes"][name]]}
        response = api.send("PATCH", path, {"data": {**read, "attributes": attributes}})
        if name in update.ignored:
            assert response.status_code == 200, f"{name}: {response.content!r}"
            read = read_whole(api, path)
        else:
            source = {"pointer": f"data/attributes/{name}"}
            detail = "is read-only, and differs from the record's"
            assert_error(response, 422, "invalid_attribute", detail, source=source)


@pytest.mark.parametrize("update", UPDATES, ids=str)
def test_a_relationship_that_was_changed_is_refused(api: ApiClient, update: Update) -> None:
    path = update.make(api)
    read = read_whole(api, path)

    assert read["relationships"]
    for name, relationship in read["relationships"].items():
        other = {"data": {"type": (relationship["data"] or {"type": "people"})["type"], "id": "1000000"}}
        data = {**read, "relationships": {**read["relationships"], name: other}}
        response = api.send("PATCH", path, {"data": data})
        detail = "Relationships of this resource cannot be written"
        assert_error(response, 403, "access_denied", detail, source={"pointer": "data/relationships"})


def list_writable(path: str) -> list[str]:
    """The attributes that an update may change."""
    operation = read_description()["paths"][f"/api/v2/{path}"]["patch"]
    data = operation["requestBody"]["content"]["application/vnd.api+json"]["schema"]["properties"]["data"]
    attributes = data["properties"]["attributes"]["properties"]
    return [name for name, schema in attributes.items() if not schema.get("readOnly")]


def test_all_updates_of_resources_are_tried() -> None:
    described = {
        path.removeprefix("/api/v2/")
        for path, operations in read_description()["paths"].items()
        # A revert is no update: GET is its preview.
        if "patch" in operations and not path.endswith("/revert")
    }

    assert {update.path for update in UPDATES} == described
