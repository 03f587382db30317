"""The whole story, told with the client that openapi-python-client generates from the description."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from importsvc_client import Client
from importsvc_client.api.import_files import import_files_create
from importsvc_client.api.imports import (
    imports_correct_row,
    imports_create,
    imports_errors,
    imports_errors_csv,
    imports_list,
    imports_partial_update,
    imports_preview_import,
    imports_retrieve,
    imports_revert,
    imports_run,
)
from importsvc_client.api.operations import operations_retrieve
from importsvc_client.api.people import people_list
from importsvc_client.models import (
    ErrorDocument,
    ImportFilesCreateFilesBody,
    ImportFilesCreateResponse201,
    Imports,
    ImportsCorrectRowBody,
    ImportsCorrectRowResponse200,
    ImportsCreateBodyType0,
    ImportsCreateBodyType1,
    ImportsCreateResponse201,
    ImportsErrorsResponse200,
    ImportsListSortItem,
    ImportsPartialUpdateBody,
    ImportsPartialUpdateResponse200,
    ImportsPreviewImportResponse200,
    ImportsRetrieveResponse200,
    ImportsRevertBody,
    ImportsRevertResponse200,
    ImportsRunBody,
    ImportsRunResponse200,
    ImportsRunResponse202,
    OperationsRetrieveResponse200,
    PeopleListIncludeItem,
    PeopleListResponse200,
)
from importsvc_client.types import File

STORY = json.loads(Path("story.json").read_text())

# The paths of the description have the prefix of the version.
client = Client(
    base_url=os.environ["API"].removesuffix("/api/v2"),
    headers={"X-Auth-Token": os.environ["TOKEN"], "X-Organization-Id": os.environ["ORGANIZATION"]},
)


def read_all_people() -> Iterator[str]:
    """The first names, from pages of two people."""
    number, total = 1, 1
    while number <= total:
        page = people_list.sync(client=client, pagenumber=number, pagesize=2)
        assert isinstance(page, PeopleListResponse200)
        for person in page.data:
            assert person.attributes
            yield str(person.attributes.first_name)
        number, total = number + 1, page.meta.total_pages


def wait_for(operation_id: str) -> str:
    """The status of an operation at its end."""
    status = "queued"
    until = time.monotonic() + 30
    while status in ("queued", "running") and time.monotonic() < until:
        time.sleep(0.05)
        read = operations_retrieve.sync(operation_id, client=client)
        assert isinstance(read, OperationsRetrieveResponse200)
        assert read.data.attributes
        status = str(read.data.attributes.status)
    return status


def make_document(import_data: object) -> dict[str, object]:
    return {"data": {"type": "imports", "attributes": {"import_data": import_data}}}


refused = imports_create.sync(client=client, body=ImportsCreateBodyType0.from_dict(make_document(STORY["wrong"])))
assert isinstance(refused, ErrorDocument)
assert refused.errors[0].to_dict()["detail"] == STORY["errors"]

created = imports_create.sync(client=client, body=ImportsCreateBodyType0.from_dict(make_document(STORY["rows"])))
assert isinstance(created, ImportsCreateResponse201)
import_id = created.data.id

read = imports_retrieve.sync(import_id, client=client)
assert isinstance(read, ImportsRetrieveResponse200)
changed = read.data.to_dict()
changed["attributes"] |= {"import_data": STORY["corrected"], "sample": True}
updated = imports_partial_update.sync(
    import_id, client=client, body=ImportsPartialUpdateBody.from_dict({"data": changed})
)
assert isinstance(updated, ImportsPartialUpdateResponse200)
assert isinstance(updated.data, Imports)
assert updated.data.attributes
assert updated.data.attributes.sample is True

preview = imports_preview_import.sync(import_id, client=client)
assert isinstance(preview, ImportsPreviewImportResponse200)
counts = preview.to_dict()["meta"]["counts"]
assert {name: {"created": of_type["created"]} for name, of_type in counts.items()} == STORY["counts"]

queued = imports_run.sync(import_id, client=client, prefer="respond-async", body=ImportsRunBody())
assert isinstance(queued, ImportsRunResponse202)
assert wait_for(queued.data.id) == "succeeded"
assert list(read_all_people()) == STORY["people"]

found = people_list.sync(client=client, filteremail=["ann@globex.test"], include=[PeopleListIncludeItem.COMPANY])
assert isinstance(found, PeopleListResponse200)
assert [each["attributes"]["name"] for each in found.to_dict()["included"]] == ["Globex"]

reverted = imports_revert.sync(import_id, client=client, body=ImportsRevertBody())
assert isinstance(reverted, ImportsRevertResponse200)
assert list(read_all_people()) == ["Ada"]

# A file as the body of a request, and in a form.
content = STORY["file"].encode()
for body in (
    File(BytesIO(content)),
    ImportFilesCreateFilesBody(file=File(BytesIO(content), "people.csv", "text/csv")),
):
    uploaded = import_files_create.sync(client=client, body=body)
    assert isinstance(uploaded, ImportFilesCreateResponse201)
    file = uploaded.data
    assert file.attributes
    assert file.attributes.size == len(content)
    mapping = file.attributes.proposed_mapping

document = {
    "data": {
        "type": "imports",
        "attributes": {"mapping": mapping},
        "relationships": {"import_file": {"data": {"type": "import_files", "id": file.id}}},
    }
}
staged = imports_create.sync(client=client, body=ImportsCreateBodyType1.from_dict(document))
assert isinstance(staged, ImportsCreateResponse201)
import_id = staged.data.id

errors = imports_errors.sync(import_id, client=client)
assert isinstance(errors, ImportsErrorsResponse200)
assert [each.attributes and (each.attributes.line, each.attributes.message) for each in errors.data] == [
    (3, STORY["error"])
]
download = imports_errors_csv.sync(import_id, client=client)
assert isinstance(download, File)
assert STORY["error"].encode() in download.payload.read()
cells = {"data": {"type": "import_rows", "attributes": {"cells": STORY["cells"]}}}
corrected = imports_correct_row.sync(
    import_id, "person", "2", client=client, body=ImportsCorrectRowBody.from_dict(cells)
)
assert isinstance(corrected, ImportsCorrectRowResponse200)
assert corrected.meta.error_count == 0
assert isinstance(imports_run.sync(import_id, client=client, body=ImportsRunBody()), ImportsRunResponse200)
assert list(read_all_people()) == STORY["people of the file"]
assert isinstance(imports_revert.sync(import_id, client=client, body=ImportsRevertBody()), ImportsRevertResponse200)
assert list(read_all_people()) == ["Ada"]

# What docs/clients.md says of it: it repeats a parameter for each item of a list.
repeated = imports_list.sync(client=client, sort=[ImportsListSortItem.ID, ImportsListSortItem.STARTED_AT])
assert isinstance(repeated, ErrorDocument)
assert repeated.errors[0].code == "unsupported_parameter"
