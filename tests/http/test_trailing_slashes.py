"""URLs of the API with a slash at the end are served as those without."""

from __future__ import annotations

import json

from tests.builders import PUBLISHED_ROWS
from tests.client import ApiClient, assert_replayed, document_of


def test_every_operation_is_served_with_a_slash_at_the_end_of_its_url(api: ApiClient) -> None:
    created = api.send_import("POST", "imports/", import_data=PUBLISHED_ROWS)
    path = f"imports/{document_of(created)['data']['id']}"

    assert created.status_code == 201
    assert created.headers["Location"] == f"http://testserver/api/v2/{path}"
    assert api.send_import("PATCH", f"{path}/", import_data=PUBLISHED_ROWS).status_code == 200
    assert api.get(f"{path}/import/").status_code == 200
    assert api.request("POST", f"{path}/import/").status_code == 200
    assert api.get(f"{path}/").content == api.get(path).content
    assert api.request("PATCH", f"{path}/revert/").status_code == 200


def test_the_links_of_a_list_have_no_slash_at_the_end(api: ApiClient) -> None:
    response = api.get("people/?page[size]=1")

    assert response.content == api.get("people?page[size]=1").content
    assert document_of(response)["links"]["first"].startswith("http://testserver/api/v2/people?")


def test_the_url_with_and_without_the_slash_is_one_url_for_an_idempotency_key(api: ApiClient) -> None:
    body = json.dumps({"data": {"type": "imports", "attributes": {"import_data": PUBLISHED_ROWS}}})
    key = {"Idempotency-Key": "one"}

    first = api.request("POST", "imports/", body, headers=key)

    assert_replayed(first, api.request("POST", "imports", body, headers=key))
