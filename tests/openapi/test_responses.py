"""A response that the description does not have fails the test that receives it, whatever resource it is about."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpResponse
from django.http.response import ResponseHeaders

from importsvc.webhooks.models import WebhookEndpoint
from tests.client import ApiClient, document_of
from tests.files.uploads import PEOPLE_1252, send_file
from tests.openapi.description import check_response, is_file

ROWS = {"person": [{"first_name": "Ann", "email": "ann"}]}
COLUMNS = [{"headers": ["Vorname"], "targets": ["person.first_name"]}]


@dataclass(frozen=True)
class Received:
    """A response, and the request for it."""

    method: str
    path: str
    response: HttpResponse


def receive(api: ApiClient) -> Iterator[Received]:
    """A response about each kind of resource, and a refusal."""

    def send(method: str, path: str, resource_type: str = "", **attributes: Any) -> Received:
        document = {"data": {"type": resource_type, "attributes": attributes}}
        response = api.send(method, path, document) if resource_type else api.request(method, path)
        return Received(method, path, response)

    def create(resource_type: str, **attributes: Any) -> str:
        created = send("POST", resource_type, resource_type, **attributes)
        return f"{resource_type}/{document_of(created.response)['data']['id']}"

    import_path = create("imports", import_data=ROWS, on_row_error="stage")
    model_path = create("import_models", name="Contacts", columns=COLUMNS, ignored=["*"])
    create("webhook_endpoints", url="https://example.com/hooks", events=["import.processed"])
    yield Received("POST", "import_files", send_file(api, PEOPLE_1252))
    for path in (
        "import_files",
        "import_models",
        "import_models/ready_made",
        import_path,
        f"{import_path}/errors",
        f"{import_path}/rows",
        f"{import_path}/rows/person/1",
        "people",
        "webhook_endpoints",
    ):
        yield send("GET", path)
    queued = api.request("POST", f"{import_path}/check", headers={"Prefer": "respond-async"})
    yield Received("POST", f"{import_path}/check", queued)
    yield send("GET", "operations")
    yield send("GET", f"{import_path}/errors?filter[code]=unknown")
    for format_ in ("csv", "xlsx"):
        yield send("GET", f"{import_path}/errors.{format_}")
        yield send("GET", f"{model_path}/template.{format_}")


def find_item(document: Any) -> Any:
    """The resource object or the error, or the first of them."""
    found = document["errors"] if "errors" in document else document["data"]
    return found[0] if isinstance(found, list) else found


def add_member(response: HttpResponse) -> None:
    """An attribute, or a member of an error, that is not described."""
    document = document_of(response)
    item = find_item(document)
    item.get("attributes", item)["banana"] = 1
    response.content = json.dumps(document).encode()


def change_type(response: HttpResponse) -> None:
    """The type of the resource, or the code of an error."""
    document = document_of(response)
    find_item(document)["type" if "data" in document else "code"] = "bananas"
    response.content = json.dumps(document).encode()


def change_status(response: HttpResponse) -> None:
    """A status that no operation has."""
    response.status_code = 418


def change_media_type(response: HttpResponse) -> None:
    """A file of another type."""
    response.headers["Content-Type"] = "image/png"


OF_FILES: list[Callable[[HttpResponse], None]] = [change_status, change_media_type]
OF_DOCUMENTS: list[Callable[[HttpResponse], None]] = [change_status, add_member, change_type]


@pytest.mark.django_db
def test_a_response_that_is_not_described_is_an_error(api: ApiClient) -> None:
    count = 0
    for received in receive(api):
        check_response(received.method, received.path, received.response)
        response = received.response
        for change in OF_FILES if is_file(response) else OF_DOCUMENTS:
            changed = copy.copy(response)
            changed.headers = ResponseHeaders(dict(response.headers))
            change(changed)
            with pytest.raises((AssertionError, KeyError)):
                check_response(received.method, received.path, changed)
            count += 1

    assert count == 3 * 13 + 2 * 4
    assert WebhookEndpoint.objects.exists()
