"""Fields that are not on the published page are shown on request, and some of them can be written."""

from __future__ import annotations

from typing import Any

import pytest

from importsvc.imports.models import Import, ImportState
from tests.builders import PUBLISHED_ROWS, make_import
from tests.client import ApiClient, assert_error, document_of
from tests.imports.change_documents import Scene
from tests.imports.steps import counts
from tests.snapshots import take_snapshot

PUBLISHED = ["import_model_id", "creator_id", "sample", "started_at", "processed_at", "reverted_at"]
ASKED = "fields[imports]=counts,on_duplicate,creator&include="


def creator(api: ApiClient) -> dict[str, Any]:
    return {"creator": {"data": {"type": "people", "id": str(api.caller.person.pk)}}}


def shown(document: Any) -> list[list[str]]:
    """The names of the attributes and relationships of each resource in a response."""
    data = document["data"]
    return [[*each["attributes"], *each["relationships"]] for each in (data if isinstance(data, list) else [data])]


@pytest.mark.parametrize("query", ["", "?include=", "?fields[people]=title"])
def test_fields_that_are_not_on_the_published_page_are_shown_only_on_request(api: ApiClient, query: str) -> None:
    published = [*PUBLISHED, "organization", "creator"]
    body = {"data": {"type": "imports", "attributes": {"import_data": PUBLISHED_ROWS, "on_duplicate": "update"}}}
    created = document_of(api.send("POST", f"imports{query}", body))
    path = f"imports/{created['data']['id']}"
    documents = [
        created,
        document_of(api.send("PATCH", path + query, body)),
        document_of(api.request("POST", f"{path}/import{query}")),
        document_of(api.get(path + query)),
        document_of(api.get(f"imports{query}")),
        document_of(api.request("PATCH", f"{path}/revert{query}")),
    ]

    assert [shown(document) for document in documents] == [[published]] * 6


def test_requested_fields_are_shown_alone_and_in_the_usual_order_by_every_operation(api: ApiClient) -> None:
    def read(response: Any) -> dict[str, Any]:
        document = document_of(response)
        assert shown(document) == [["on_duplicate", "counts", "creator"]]
        data = document["data"]
        assert data["relationships"] == creator(api)
        assert list(document) == ["data", "included", "meta"]
        assert document["included"] == []
        attributes: dict[str, Any] = data["attributes"]
        return attributes

    created = api.send_import("POST", f"imports?{ASKED}", import_data=PUBLISHED_ROWS)
    path = f"imports/{document_of(created)['data']['id']}"
    assert read(created) == {"on_duplicate": "error", "counts": None}

    updated = api.send_import("PATCH", f"{path}?{ASKED}", import_data=PUBLISHED_ROWS, on_duplicate="skip")
    assert read(updated) == read(api.get(f"{path}?{ASKED}")) == {"on_duplicate": "skip", "counts": None}

    run = api.send_import("POST", f"{path}/import?{ASKED}", on_duplicate="update")
    made = {"company": counts(created=1), "person": counts(created=1)}
    assert read(run) == {"on_duplicate": "update", "counts": made}

    reverted = api.request("PATCH", f"{path}/revert?{ASKED}")
    assert read(reverted) == {"on_duplicate": "update", "counts": made}


def test_lists_show_requested_fields_too(api: ApiClient) -> None:
    make_import(
        creator=api.caller.person, state=ImportState.PROCESSED, on_duplicate="skip", counts={"person": counts()}
    )
    make_import(creator=api.caller.person)

    document = document_of(api.get("imports?fields[imports]=on_duplicate,sample,counts"))

    assert [list(each["attributes"].items()) for each in document["data"]] == [
        [("sample", None), ("on_duplicate", "skip"), ("counts", {"person": counts()})],
        [("sample", None), ("on_duplicate", "error"), ("counts", None)],
    ]
    assert all("relationships" not in each for each in document["data"])


def test_fields_on_request_cannot_be_filtered_or_sorted_by(api: ApiClient) -> None:
    for query, code, named in [
        ("filter[on_duplicate]=skip", "filter", "Filter 'on_duplicate'"),
        ("sort=counts", "sort", "Sort by 'counts'"),
    ]:
        detail = f"{named} is not supported on this endpoint"
        source = {"parameter": query.partition("=")[0]}
        assert_error(api.get(f"imports?{query}"), 400, f"unsupported_{code}", detail, source=source)


WRONG: list[Any] = [None, "", "ERROR", " skip", "overwrite", 0, 1, True, 1.5, [], ["skip"], {}, "\ud800"]


@pytest.mark.parametrize("value", WRONG)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "imports"), ("PATCH", "imports/{}"), ("POST", "imports/{}/import")]
)
def test_on_duplicate_is_one_of_three_words(api: ApiClient, method: str, path: str, value: Any) -> None:
    path = path.format(api.stage(PUBLISHED_ROWS))
    before = take_snapshot()

    response = api.send_import(method, path, import_data=PUBLISHED_ROWS, on_duplicate=value)

    detail = "must be one of error, skip, update"
    assert_error(response, 422, "invalid_attribute", detail, source={"pointer": "data/attributes/on_duplicate"})
    assert take_snapshot() == before


@pytest.mark.parametrize("value", [*WRONG, "error", "REFUSE"])
def test_on_conflict_is_one_of_three_words(api: ApiClient, value: Any) -> None:
    path = f"imports/{api.run(PUBLISHED_ROWS)}/revert"
    before = take_snapshot()

    response = api.send_import("PATCH", path, on_conflict=value)

    detail = "must be one of refuse, keep, discard"
    assert_error(response, 422, "invalid_attribute", detail, source={"pointer": "data/attributes/on_conflict"})
    assert take_snapshot() == before


@pytest.mark.parametrize(
    ("method", "path", "attribute"),
    [
        ("POST", "imports", "on_conflict"),
        ("PATCH", "imports/{}", "on_conflict"),
        ("POST", "imports/{}/import", "on_conflict"),
        ("PATCH", "imports/{}/revert", "import_data"),
    ],
)
def test_an_attribute_that_an_operation_does_not_use_is_refused(
    api: ApiClient, method: str, path: str, attribute: str
) -> None:
    path = path.format(api.stage(PUBLISHED_ROWS))
    attributes = {} if "revert" in path else {"import_data": PUBLISHED_ROWS}

    response = api.send_import(method, path, **{**attributes, attribute: "keep"})

    detail = "is not a known attribute"
    assert_error(response, 422, "invalid_attribute", detail, source={"pointer": f"data/attributes/{attribute}"})


def test_read_only_attributes_may_be_sent_back(api: ApiClient) -> None:
    def asked(path: str) -> dict[str, Any]:
        names = ",".join([*PUBLISHED, "on_duplicate", "counts"])
        attributes: dict[str, Any] = document_of(api.get(f"{path}?fields[imports]={names}"))["data"]["attributes"]
        return attributes

    path = f"imports/{api.stage(PUBLISHED_ROWS)}"

    assert api.send_import("PATCH", path, import_data=PUBLISHED_ROWS, **asked(path)).status_code == 200
    assert api.send_import("POST", f"{path}/import", **asked(path)).status_code == 200
    assert api.send_import("PATCH", f"{path}/revert", **asked(path)).status_code == 200


def test_an_attribute_that_is_not_sent_keeps_its_value(scene: Scene) -> None:
    path = f"imports/{scene.import_id}"
    rows = {"person": [{"email": "ann@acme.test", "title": "Chief"}]}

    assert scene.api.send_import("PATCH", path, import_data=rows, sample=True).status_code == 200
    assert Import.objects.get(pk=scene.import_id).on_duplicate == "update"
    assert scene.api.send_import("POST", f"{path}/import", import_data=rows).status_code == 200
    assert Import.objects.get(pk=scene.import_id).counts == {"person": counts(updated=1)}


@pytest.mark.parametrize(
    ("attributes", "status", "title"),
    [
        ({}, 409, "Chair"),
        ({"on_conflict": "refuse"}, 409, "Chair"),
        ({"on_conflict": "keep"}, 200, "Chair"),
        ({"on_conflict": "discard"}, 200, "Boss"),
    ],
)
def test_a_revert_treats_conflicts_as_on_conflict_says(
    scene: Scene, attributes: dict[str, str], status: int, title: str
) -> None:
    scene.run()
    type(scene.ann).objects.filter(pk=scene.ann.pk).update(title="Chair")

    response = scene.api.send_import("PATCH", f"imports/{scene.import_id}/revert", **attributes)

    assert response.status_code == status
    scene.ann.refresh_from_db()
    assert scene.ann.title == title


def test_the_caller_of_each_transition_is_stored(scene: Scene) -> None:
    scene.run()
    scene.revert()

    import_ = Import.objects.get(pk=scene.import_id)
    person = scene.api.caller.person
    assert import_.processed_by == import_.reverted_by == {"kind": "person", "name": str(person), "id": person.pk}
