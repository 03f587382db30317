"""Previews of imports and reverts over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from companies.models import Company
from importsvc.changelog.models import CreatedChunk
from importsvc.imports.models import Import, StagedChunk
from importsvc.imports.rows import require_rows
from importsvc.imports.staging import store_rows
from people.models import Person
from tests.builders import PUBLISHED_ROWS
from tests.client import ApiClient, assert_error, document_of
from tests.imports.change_documents import Scene, assert_is
from tests.imports.steps import counts
from tests.snapshots import take_snapshot

# What is kept of a refused run.
KEPT = ("imports_refusal",)
IMPORT_DATA = {"source": {"pointer": "data/attributes/import_data"}}


def outcomes(**of_records: int) -> dict[str, int]:
    return {**dict.fromkeys(("removed", "restored", "conflict", "gone"), 0), **of_records}


def test_a_preview_of_an_import_shows_its_changes_and_makes_none(scene: Scene) -> None:
    path = f"imports/{scene.import_id}/import"
    before = take_snapshot()

    response = scene.api.get(path)

    assert take_snapshot() == before
    to_come = scene.changes({"type": "company", "row": 2})
    data = scene.resources(["company-2", "company-1", "person-2", "person-1"], to_come, created=(None, None))
    shown = {name: counts(created=1, updated=1) for name in ("company", "person")}
    assert_is(response, scene.page(data, path, counts=shown, without_key={"company": 0, "person": 0}))
    assert [name for name in document_of(response)["meta"] if name == "counts" or "row_errors" in name] == ["counts"]


def test_rows_that_change_nothing_or_are_skipped_are_counted_and_not_listed(scene: Scene) -> None:
    rows = {"company": [{"name": "Reds"}], "person": [{"email": "ann@acme.test", "title": "Chief"}]}
    unchanged, skipped = scene.stage({"company": rows["company"]}), scene.stage(rows, on_duplicate="skip")

    for import_id, expected in (
        (unchanged, {"company": counts(unchanged=1)}),
        (skipped, {"company": counts(skipped=1), "person": counts(skipped=1)}),
    ):
        path = f"imports/{import_id}/import"
        without_key = dict.fromkeys(expected, 0)
        assert_is(scene.api.get(path), scene.page([], path, counts=expected, without_key=without_key))


def test_a_preview_of_rows_that_became_invalid_is_refused_like_the_run(scene: Scene) -> None:
    Person.objects.filter(pk=scene.ann.pk).delete()
    path = f"imports/{scene.import_id}/import"
    before = take_snapshot(without=KEPT)

    response = scene.api.get(path)
    refused = scene.api.request("POST", path)

    row_errors = {
        "company": [],
        "person": [{"row": 1, "column": "first_name", "messages": ["First name can't be blank"]}],
    }
    nothing = {"company": counts(), "person": counts()}
    without_key = {"company": 0, "person": 0}
    assert_is(response, scene.page([], path, counts=nothing, without_key=without_key, row_errors=row_errors))
    assert_error(refused, 422, "invalid_attribute", row_errors, **IMPORT_DATA)
    assert take_snapshot(without=KEPT) == before


def test_past_a_thousand_row_errors_the_list_is_cut_and_counted(api: ApiClient) -> None:
    import_id = api.stage({"person": [{"first_name": "A", "email": f"p{n}@acme.test"} for n in range(1_001)]})
    api.run({"person": [{"first_name": "A", "email": f"p{n}@acme.test"} for n in range(1_001)]})

    document = document_of(api.get(f"imports/{import_id}/import"))

    assert document["data"] == []
    assert len(document["meta"]["row_errors"]["person"]) == 1_000
    assert list(document["meta"])[5:] == ["counts", "row_errors", "error_count", "organization_features"]
    assert document["meta"]["error_count"] == 1_001


def test_a_preview_of_a_revert_shows_its_changes_and_makes_none(scene: Scene) -> None:
    ids = scene.run()
    path = f"imports/{scene.import_id}/revert"
    before = take_snapshot()

    response = scene.api.get(path)

    assert take_snapshot() == before
    attributes = scene.changes(
        scene.greens.pk,
        outcome=["removed", "restored", "removed", "restored"],
        fields=[[], ["due_days"], [], ["company_id", "title"]],
        conflicts=[[]] * 4,
    )
    data = scene.resources(ids, attributes, created=(scene.greens.pk, scene.bob.pk))
    shown = {name: outcomes(removed=1, restored=1) for name in ("company", "person")}
    assert_is(response, scene.page(data, path, counts=shown))


def test_a_preview_of_a_revert_shows_the_conflicts_of_each_change(scene: Scene) -> None:
    ids = scene.run()
    greens, bob = scene.greens.pk, scene.bob.pk
    Person.objects.filter(pk=scene.ann.pk).update(title="Chair")
    Person.objects.filter(pk=bob).delete()
    zoe = scene.api.run({"person": [{"first_name": "Zoe", "company": "Greens"}]})
    zoe = document_of(scene.api.get(f"imports/{zoe}/changes"))["data"][0]["relationships"]["record"]["data"]
    path = f"imports/{scene.import_id}/revert"

    response = scene.api.get(path)

    referenced = {"reason": "referenced", "referenced_by": zoe}
    changed = {"reason": "changed", "fields": ["title"], "then": {"title": "Chief"}, "now": {"title": "Chair"}}
    attributes = scene.changes(
        greens,
        outcome=["conflict", "restored", "gone", "conflict"],
        fields=[[], ["due_days"], [], ["company_id"]],
        conflicts=[[referenced], [], [], [changed]],
    )
    data = scene.resources(ids, attributes, created=(greens, bob))
    shown = {"company": outcomes(restored=1, conflict=1), "person": outcomes(conflict=1, gone=1)}
    assert_is(response, scene.page(data, path, counts=shown))
    refused = document_of(scene.api.request("PATCH", path))["errors"][0]["meta"]["conflicts"]
    assert [{name: each[name] for name in each if name not in ("type", "id", "row")} for each in refused] == [
        referenced,
        changed,
    ]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("page[size]=3", [2, 1, 2]),
        ("page[size]=3&page[number]=2", [1]),
        ("page[size]=1&page[number]=2", [1]),
        ("page[size]=3&page[number]=3", []),
        (f"page[size]=500&page[number]={10**99}", []),
    ],
)
def test_previews_are_paged(scene: Scene, query: str, rows: list[int]) -> None:
    def read(path: str) -> tuple[list[int], Any]:
        document = document_of(scene.api.get(f"{path}?{query}"))
        return [resource["attributes"]["row"] for resource in document["data"]], document

    path = f"imports/{scene.import_id}/import"
    found, imported = read(path)
    scene.run()
    undone, reverted = read(f"imports/{scene.import_id}/revert")

    assert found == undone == rows
    for document in (imported, reverted):
        assert document["meta"]["total_count"] == 4
        assert document["links"].keys() - {"prev", "next"} == {"first", "last"}
    assert [each["links"].keys() for each in (imported, reverted)] == [imported["links"].keys()] * 2


def test_a_page_of_a_preview_is_a_part_of_the_whole(scene: Scene) -> None:
    scene.run()
    for move in "changes", "revert":
        path = f"imports/{scene.import_id}/{move}"
        whole = document_of(scene.api.get(path))["data"]

        pages = [document_of(scene.api.get(f"{path}?page[size]=1&page[number]={n}"))["data"] for n in range(1, 5)]

        assert [resource for (resource,) in pages] == whole


@pytest.mark.parametrize(
    ("move", "fields", "shown"),
    [
        ("import", "after,row", ["row", "after"]),
        ("revert", "conflicts,outcome,fields", ["outcome", "fields", "conflicts"]),
    ],
)
def test_only_requested_fields_are_shown(scene: Scene, move: str, fields: str, shown: list[str]) -> None:
    if move == "revert":
        scene.run()
    path = f"imports/{scene.import_id}/{move}"
    whole = scene.api.get(path)

    part = scene.api.get(f"{path}?fields[import_changes]={fields}")

    assert document_of(part)["data"] == [
        {
            "id": resource["id"],
            "type": "import_changes",
            "attributes": {name: resource["attributes"][name] for name in shown},
        }
        for resource in document_of(whole)["data"]
    ]
    assert part.headers["ETag"] == whole.headers["ETag"]


@pytest.mark.parametrize(
    ("query", "code", "named"),
    [
        ("filter[action]=created", "filter", "Filter 'action'"),
        ("sort=id", "sort", "Sort by 'id'"),
        ("include=record", "include", "Include 'record'"),
        ("fields[import_changes]=kept_fields", "parameter", "Field 'kept_fields' of 'import_changes'"),
        ("on_duplicate=update", "parameter", "Parameter 'on_duplicate'"),
    ],
)
@pytest.mark.parametrize("move", ["import", "revert"])
def test_other_query_parameters_of_previews_are_refused(
    scene: Scene, move: str, query: str, code: str, named: str
) -> None:
    assert_error(
        scene.api.get(f"imports/{scene.import_id}/{move}?{query}"),
        400,
        f"unsupported_{code}",
        f"{named} is not supported on this endpoint",
        source={"parameter": query.partition("=")[0]},
    )


@pytest.mark.parametrize("move", ["import", "revert"])
@pytest.mark.parametrize("parameter", ["page[size]", "page[number]"])
def test_pages_of_previews_are_positive_integers(scene: Scene, move: str, parameter: str) -> None:
    if move == "revert":
        scene.run()

    response = scene.api.get(f"imports/{scene.import_id}/{move}?{parameter}=0")

    assert_error(
        response,
        400,
        "invalid_page",
        f"'{parameter}' must be a positive integer",
        source={"parameter": parameter},
    )


def test_a_preview_is_refused_like_the_request_it_previews(scene: Scene) -> None:
    def assert_same(method: str, move: str, status: int, code: str, detail: Any, **members: Any) -> None:
        path = f"imports/{scene.import_id}/{move}"
        for answer in (scene.api.get(path), scene.api.request(method, path)):
            assert_error(answer, status, code, detail, **members)
            assert "ETag" not in answer.headers

    assert_same("PATCH", "revert", 409, "conflict", "The import is in state 'created' and cannot be reverted")
    import_ = Import.objects.get(pk=scene.import_id)
    StagedChunk.objects.all().delete()
    assert_same("POST", "import", 422, "invalid_attribute", "can't be blank", **IMPORT_DATA)
    store_rows(import_, require_rows('{"person": [{"first_name": "Zoe"}]}'))
    scene.run()
    assert_same("POST", "import", 409, "conflict", "The import is in state 'processed' and cannot be imported")
    scene.revert()
    for method, move, named in (("POST", "import", "imported"), ("PATCH", "revert", "reverted")):
        assert_same(method, move, 409, "conflict", f"The import is in state 'reverted' and cannot be {named}")


def test_a_preview_of_a_revert_of_an_unregistered_type_is_refused(scene: Scene) -> None:
    scene.run()
    CreatedChunk.objects.filter(import_record=int(scene.import_id), record_type="person").update(record_type="deal")
    path = f"imports/{scene.import_id}/revert"

    for answer in (scene.api.get(path), scene.api.request("PATCH", path)):
        detail = "Records of type 'deal' cannot be imported or reverted any more"
        assert_error(answer, 409, "conflict", detail)


def test_the_preview_of_a_plain_import_creates_everything(api: ApiClient) -> None:
    import_id = api.stage(PUBLISHED_ROWS)

    data = document_of(api.get(f"imports/{import_id}/import"))["data"]

    assert [(resource["id"], resource["attributes"]["action"]) for resource in data] == [
        ("company-1", "created"),
        ("person-1", "created"),
    ]
    assert data[1]["attributes"]["after"]["company_id"] == {"type": "company", "row": 1}
    assert not Company.objects.filter(name="Import").exists()
