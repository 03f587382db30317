"""``match_by`` and external ids over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from importsvc.imports.models import Import
from importsvc.operations.work import run_next
from tests.builders import PUBLISHED_ROWS, make_company, make_person
from tests.client import ApiClient, assert_error, document_of
from tests.imports.steps import counts

ASKED = "fields[imports]=match_by,counts&include="
ROWS = {
    "company": [{"name": "Red Ltd", "external_id": "a"}],
    "person": [{"first_name": "Ann"}, {"first_name": "Bob", "external_id": "b"}],
}
MATCHED = {"on_duplicate": "update", "match_by": "external_id"}


@pytest.fixture(autouse=True)
def reds(api: ApiClient) -> Any:
    return make_company(organization=api.caller.organization, name="Reds", external_id="a")


def read(response: Any) -> Any:
    return document_of(response)["data"]["attributes"]


def test_it_is_given_when_rows_are_staged_replaced_or_run(api: ApiClient) -> None:
    created = api.send_import("POST", f"imports?{ASKED}", import_data=PUBLISHED_ROWS, match_by="email")
    assert created.status_code == 201, created.content
    path = f"imports/{document_of(created)['data']['id']}"
    replaced = api.send_import("PATCH", f"{path}?{ASKED}", import_data=PUBLISHED_ROWS, match_by=None)
    ran = api.send_import("POST", f"{path}/import?{ASKED}", import_data=ROWS, **MATCHED)

    made = {"company": counts(updated=1), "person": counts(created=2)}
    assert read(created) == {"match_by": "email", "counts": None}
    assert read(replaced) == {"match_by": None, "counts": None}
    assert read(ran) == read(api.get(f"{path}?{ASKED}")) == {"match_by": "external_id", "counts": made}
    assert "match_by" not in read(api.get(path))


@pytest.mark.django_db(transaction=True)
def test_a_worker_matches_by_it_as_well(api: ApiClient) -> None:
    path = f"imports/{api.stage(PUBLISHED_ROWS)}"
    document = {"data": {"type": "imports", "attributes": {"import_data": ROWS, **MATCHED}}}

    queued = api.request("POST", f"{path}/import", json.dumps(document), headers={"Prefer": "respond-async"})
    while run_next():
        pass

    assert queued.status_code == 202
    made = {"company": counts(updated=1), "person": counts(created=2)}
    assert read(api.get(f"{path}?{ASKED}")) == {"match_by": "external_id", "counts": made}


@pytest.mark.parametrize("value", ["first_name", "Email", "", 1, ["email"], {}, True])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "imports"), ("PATCH", "imports/{}"), ("POST", "imports/{}/import")]
)
def test_it_is_the_name_of_a_unique_column(api: ApiClient, method: str, path: str, value: Any) -> None:
    import_id = api.stage(PUBLISHED_ROWS)

    response = api.send_import(method, path.format(import_id), import_data=PUBLISHED_ROWS, match_by=value)

    detail = "must be one of email, external_id, name"
    assert_error(response, 422, "invalid_attribute", detail, source={"pointer": "data/attributes/match_by"})
    assert Import.objects.get().match_by is None


def test_a_preview_counts_rows_without_a_key_and_marks_them_on_request(api: ApiClient) -> None:
    staged = api.send_import("POST", "imports", import_data=ROWS, **MATCHED)
    path = f"imports/{document_of(staged)['data']['id']}/import"

    plain = document_of(api.get(path))
    marked = document_of(api.get(f"{path}?fields[import_changes]=row,without_key"))

    assert plain["meta"]["without_key"] == {"company": 0, "person": 1}
    assert plain["meta"]["counts"] == {"company": counts(updated=1), "person": counts(created=2)}
    assert all(list(each["attributes"]) == ["row", "action", "before", "after"] for each in plain["data"])
    assert {each["id"]: each["attributes"] for each in marked["data"]} == {
        "company-1": {"row": 1, "without_key": False},
        "person-1": {"row": 1, "without_key": True},
        "person-2": {"row": 2, "without_key": False},
    }


def test_a_preview_of_an_import_that_matches_nothing_counts_no_rows_without_a_key(api: ApiClient) -> None:
    path = f"imports/{api.stage(PUBLISHED_ROWS)}/import"

    assert "without_key" not in document_of(api.get(path))["meta"]


def test_the_etag_of_a_preview_depends_on_it(api: ApiClient) -> None:
    path = f"imports/{api.stage({'company': [{'name': 'Greens', 'external_id': 'g'}]})}"
    api.send_import("PATCH", path, import_data=PUBLISHED_ROWS, on_duplicate="update")
    tag = api.get(f"{path}/import").headers["ETag"]
    document = {"data": {"type": "imports", "attributes": {"match_by": "external_id"}}}

    refused = api.request("POST", f"{path}/import", json.dumps(document), headers={"If-Match": tag})

    assert refused.status_code == 412


@pytest.mark.parametrize("resource", ["companies", "people"])
def test_external_ids_are_shown_only_on_request(api: ApiClient, resource: str) -> None:
    make_person(organization=api.caller.organization, external_id="a")

    plain = document_of(api.get(f"{resource}?filter[external_id]=a"))["data"]
    asked = document_of(api.get(f"{resource}?filter[external_id]=a&fields[{resource}]=external_id"))["data"]

    assert [each["attributes"] for each in asked] == [{"external_id": "a"}]
    assert len(plain) == 1
    assert "external_id" not in plain[0]["attributes"]


@pytest.mark.parametrize("resource", ["companies", "people"])
def test_the_filter_of_external_ids_tells_upper_and_lower_case_apart(api: ApiClient, resource: str) -> None:
    make_person(organization=api.caller.organization, external_id="a")
    for number, external_id in enumerate(("A", "á", "a,A")):
        make_person(organization=api.caller.organization, external_id=external_id)
        make_company(organization=api.caller.organization, name=f"C{number}", external_id=external_id)

    def find(query: str) -> list[str]:
        documents = document_of(api.get(f"{resource}?{query}&fields[{resource}]=external_id"))["data"]
        return [each["attributes"]["external_id"] for each in documents]

    assert find("filter[external_id]=A") == ["A"]
    assert find("filter[external_id]=a,A") == ["a,A"]
    assert find("filter[external_id][]=a&filter[external_id][]=A") == ["a", "A"]
    assert find("filter[external_id]=b") == []
    assert api.get(f"{resource}?filter[external_id]=").status_code == 400
