"""jsonapi-requests, a client in Python that adds a slash to every URL, tells the whole story."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from jsonapi_requests import Api
from jsonapi_requests.data import JsonApiObject
from jsonapi_requests.request_factory import ApiClientError
from requests.auth import AuthBase

from tests.clients.conftest import Access
from tests.clients.story import STORY

# All use one service.
pytestmark = pytest.mark.xdist_group("clients")


class TokenHeaders(AuthBase):
    """How a client that is built upon requests sends the two headers."""

    def __init__(self, access: Access) -> None:
        self.headers = access.headers

    def __call__(self, request: Any) -> Any:
        request.headers.update(self.headers)
        return request


def configure(access: Access) -> dict[str, Any]:
    return {"API_ROOT": access.url, "AUTH": TokenHeaders(access), "TIMEOUT": 30}


@pytest.fixture
def client(access: Access) -> Api:
    return Api.config(configure(access))


def make_import(import_data: Any) -> JsonApiObject:
    return JsonApiObject(type="imports", attributes={"import_data": import_data})


def wait_for(client: Api, operation: JsonApiObject) -> str:
    """The status of an operation at its end."""
    until = time.monotonic() + 30
    while (status := operation.attributes["status"]) in ("queued", "running") and time.monotonic() < until:
        time.sleep(0.05)
        operation = client.endpoint(f"operations/{operation.id}").get().data
    return str(status)


def read_all_people(client: Api, access: Access) -> list[str]:
    """The first names, from pages of two people. The slash would go to the end of the query in links."""
    by_links = Api.config({**configure(access), "APPEND_SLASH": False})
    content = client.endpoint("people").get(params={"page[size]": "2"}).content
    people = list(content.data)
    while "next" in content.links:
        content = by_links.endpoint(content.links["next"]).get().content
        people += content.data
    return [person.attributes["first_name"] for person in people]


def test_the_whole_story(client: Api, access: Access) -> None:
    imports = client.endpoint("imports")

    with pytest.raises(ApiClientError) as refusal:
        imports.post(object=make_import(STORY["wrong"]))
    assert refusal.value.status_code == 422
    assert json.loads(refusal.value.content)["errors"][0]["detail"] == STORY["errors"]

    created = imports.post(object=make_import(STORY["rows"])).data
    one = client.endpoint(f"imports/{created.id}")
    read = one.get().data
    read.attributes.update(import_data=STORY["corrected"], sample=True)
    assert one.patch(object=read).data.attributes["sample"] is True

    preview = client.endpoint(f"imports/{created.id}/import").get().content
    assert {name: {"created": counts["created"]} for name, counts in preview.meta["counts"].items()} == STORY["counts"]

    queued = client.endpoint(f"imports/{created.id}/import").post(headers={"Prefer": "respond-async"})
    assert queued.status_code == 202
    assert wait_for(client, queued.data) == "succeeded"
    assert read_all_people(client, access) == STORY["people"]

    ann = client.endpoint("people").get(params={"filter[email]": "ann@globex.test", "include": "company"}).content
    company = ann.data[0].relationships["company"].data
    assert [(each.id, each.attributes["name"]) for each in ann.included] == [(company.id, "Globex")]

    reverted = client.endpoint(f"imports/{created.id}/revert").patch(object=JsonApiObject()).data
    assert reverted.attributes["reverted_at"]
    assert read_all_people(client, access) == ["Ada"]


def test_links_to_other_pages_get_its_slash_at_the_end_of_their_query(client: Api) -> None:
    first = client.endpoint("people").get(params={"page[size]": "1"}).content.links["first"]

    with pytest.raises(ApiClientError) as refusal:
        client.endpoint(first).get()

    assert json.loads(refusal.value.content)["errors"][0]["code"] == "invalid_page"
