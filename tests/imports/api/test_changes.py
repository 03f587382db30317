"""The changes of an import over HTTP: before the import, after it and after its revert."""

from __future__ import annotations

from typing import Any

import pytest

from importsvc.changelog.models import SingleChange
from importsvc.imports.models import ImportState
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_import, make_organization
from tests.client import ApiClient, assert_error, document_of
from tests.imports.change_documents import Scene, assert_is

NOT_REVERTED: dict[str, list[Any]] = {"outcome": [None] * 4, "kept_fields": [None] * 4}


def rows(api: ApiClient, path: str) -> list[str]:
    """Types and rows of a list of changes: ``company 1``."""
    names = {"companies": "company", "people": "person"}
    response = api.get(path)
    assert response.status_code == 200, response.content
    return [
        f"{names[resource['relationships']['record']['data']['type']]} {resource['attributes']['row']}"
        for resource in document_of(response)["data"]
    ]


def test_an_import_that_was_not_run_has_no_changes(scene: Scene) -> None:
    path = f"imports/{scene.import_id}/changes"

    assert_is(scene.api.get(path), scene.page([], path))


def test_changes_show_each_written_record_with_its_new_and_replaced_values(scene: Scene) -> None:
    ids = scene.run()
    path = f"imports/{scene.import_id}/changes"

    attributes = scene.changes(scene.greens.pk, **NOT_REVERTED)
    data = scene.resources(ids, attributes, created=(scene.greens.pk, scene.bob.pk))
    assert_is(scene.api.get(path), scene.page(data, path))


def test_changes_show_the_outcome_of_a_revert_and_still_link_to_removed_records(scene: Scene) -> None:
    ids = scene.run()
    path = f"imports/{scene.import_id}/changes"
    greens, bob = scene.greens.pk, scene.bob.pk

    scene.revert()

    assert not Person.objects.filter(pk=bob).exists()
    outcomes = ["removed", "restored", "removed", "restored"]
    attributes = scene.changes(greens, outcome=outcomes, kept_fields=[None] * 4)
    assert_is(scene.api.get(path), scene.page(scene.resources(ids, attributes, created=(greens, bob)), path))


def test_changes_show_which_records_a_revert_kept_and_which_were_gone(scene: Scene) -> None:
    ids = scene.run()
    path = f"imports/{scene.import_id}/changes"
    greens, bob = scene.greens.pk, scene.bob.pk
    Person.objects.filter(pk=scene.ann.pk).update(title="Chair")
    Person.objects.filter(pk=bob).delete()
    scene.api.run({"person": [{"first_name": "Zoe", "company": "Greens"}]})

    scene.revert(on_conflict="keep")

    outcomes = ["kept", "restored", "gone", "kept"]
    attributes = scene.changes(greens, outcome=outcomes, kept_fields=[[], None, None, ["title"]])
    assert_is(scene.api.get(path), scene.page(scene.resources(ids, attributes, created=(greens, bob)), path))


def test_changes_do_not_show_edits_that_a_revert_discarded(scene: Scene) -> None:
    scene.run()
    Person.objects.filter(pk=scene.bob.pk).update(title="Chair")
    scene.revert(on_conflict="discard")

    changes = document_of(scene.api.get(f"imports/{scene.import_id}/changes"))["data"]

    assert [each["attributes"]["outcome"] for each in changes] == ["removed", "restored", "removed", "restored"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "company 2, company 1, person 2, person 1"),
        ("filter[action]=created", "company 2, person 2"),
        ("filter[action]=updated", "company 1, person 1"),
        ("filter[action]=updated,created", "company 2, company 1, person 2, person 1"),
        ("filter[action][]=updated&filter[action]=updated", "company 1, person 1"),
        ("filter[record_type]=company", "company 2, company 1"),
        ("filter[record_type]=person", "person 2, person 1"),
        ("filter[record_type]=person&filter[record_type]=company", "company 2, company 1, person 2, person 1"),
        ("filter[row]=2", "company 2, person 2"),
        ("filter[row]=1,2", "company 2, company 1, person 2, person 1"),
        ("filter[row][]=1&filter[row][]=7", "company 1, person 1"),
        ("filter[row]=0", ""),
        (f"filter[row]=1,{2**31},{2**63},{10**99}", "company 1, person 1"),
        (f"filter[row]={2**31}", ""),
        ("filter[row]=1&filter[record_type]=person&filter[action]=updated", "person 1"),
        ("filter[row]=1&filter[action]=created", ""),
        ("sort=id", "company 2, company 1, person 2, person 1"),
        ("sort=-id", "person 1, person 2, company 1, company 2"),
        ("sort=row", "company 1, person 1, company 2, person 2"),
        ("sort=-row", "company 2, person 2, company 1, person 1"),
        ("sort=row,-id", "person 1, company 1, person 2, company 2"),
        ("sort=-row&filter[record_type]=person", "person 2, person 1"),
        ("page[size]=3", "company 2, company 1, person 2"),
        ("page[size]=3&page[number]=2", "person 1"),
        ("page[size]=3&page[number]=3", ""),
        ("sort=-id&page[size]=1&page[number]=2", "person 2"),
        ("filter[action]=updated&page[size]=1&page[number]=2", "person 1"),
    ],
)
def test_changes_are_filtered_sorted_and_paged(scene: Scene, query: str, found: str) -> None:
    scene.run()

    assert ", ".join(rows(scene.api, f"imports/{scene.import_id}/changes?{query}")) == found


def test_links_and_counts_are_like_those_of_every_list(scene: Scene) -> None:
    scene.run()
    path = f"imports/{scene.import_id}/changes"

    document = document_of(
        scene.api.get(f"{path}?sort=-row&page[size]=1&page[number]=2&filter[action]=created,updated")
    )

    def link(number: int) -> str:
        return (
            f"http://testserver/api/v2/{path}?filter%5Baction%5D=created%2Cupdated"
            f"&page%5Bnumber%5D={number}&page%5Bsize%5D=1&sort=-row"
        )

    links = {"first": 1, "last": 4, "prev": 1, "next": 3}
    assert list(document["links"].items()) == [(name, link(number)) for name, number in links.items()]
    figures = {"current_page": 2, "total_pages": 4, "total_count": 4, "page_size": 1, "max_page_size": 200}
    assert {name: document["meta"][name] for name in figures} == figures
    assert list(document["meta"]) == [*figures, "organization_features"]


@pytest.mark.parametrize(
    ("fields", "attributes", "relationships"),
    [
        ("kept_fields,row,record", ["row", "kept_fields"], ["record"]),
        ("import", None, ["import"]),
        ("record,import", None, ["import", "record"]),
        ("outcome,before", ["before", "outcome"], None),
        ("", None, None),
    ],
)
def test_only_requested_fields_are_shown_in_the_usual_order(
    scene: Scene, fields: str, attributes: list[str] | None, relationships: list[str] | None
) -> None:
    scene.run()
    path = f"imports/{scene.import_id}/changes"
    whole = document_of(scene.api.get(path))["data"]

    shown = document_of(scene.api.get(f"{path}?fields[import_changes]={fields}"))["data"]

    expected = []
    for resource in whole:
        members: dict[str, Any] = {"id": resource["id"], "type": resource["type"]}
        for kind, names in (("attributes", attributes), ("relationships", relationships)):
            if names is not None:
                members[kind] = {name: resource[kind][name] for name in names}
        expected.append(members)
    assert shown == expected
    for name, names in (("attributes", attributes), ("relationships", relationships)):
        assert [list(resource.get(name, ())) for resource in shown] == [names or []] * 4


@pytest.mark.parametrize(
    ("query", "code", "named"),
    [
        ("filter[id]=1", "filter", "Filter 'id'"),
        ("filter[sample]=true", "filter", "Filter 'sample'"),
        ("sort=action", "sort", "Sort by 'action'"),
        ("sort=started_at", "sort", "Sort by 'started_at'"),
        ("include=import", "include", "Include 'import'"),
        ("include=record", "include", "Include 'record'"),
        ("fields[imports]=sample", "parameter", "Parameter 'fields[imports]'"),
        ("fields[import_changes]=conflicts", "parameter", "Field 'conflicts' of 'import_changes'"),
        ("fields[import_changes]=id", "parameter", "Field 'id' of 'import_changes'"),
    ],
)
def test_unsupported_query_parameters_of_changes_are_refused(scene: Scene, query: str, code: str, named: str) -> None:
    response = scene.api.get(f"imports/{scene.import_id}/changes?{query}")

    detail = f"{named} is not supported on this endpoint"
    assert_error(response, 400, f"unsupported_{code}", detail, source={"parameter": query.partition("=")[0]})


@pytest.mark.parametrize(
    ("name", "value"),
    [("action", value) for value in ("deleted", "CREATED", "", "created,", "%00")]
    + [("record_type", value) for value in ("companies", "person,deal", "Person", "")]
    + [("row", value) for value in ("x", "-1", "1,", "1.0", "%C2%B2")],
)
def test_a_value_that_a_filter_cannot_read_is_refused(scene: Scene, name: str, value: str) -> None:
    response = scene.api.get(f"imports/{scene.import_id}/changes?filter[{name}]={value}")

    detail = f"Filter '{name}' does not support this value"
    assert_error(response, 400, "unsupported_filter_value", detail, source={"parameter": f"filter[{name}]"})


@pytest.mark.parametrize("parameter", ["page[size]", "page[number]"])
def test_pages_are_positive_integers(scene: Scene, parameter: str) -> None:
    response = scene.api.get(f"imports/{scene.import_id}/changes?{parameter}=0")

    detail = f"'{parameter}' must be a positive integer"
    assert_error(response, 400, "invalid_page", detail, source={"parameter": parameter})


@pytest.mark.parametrize("path", ["changes", "import", "revert"])
def test_an_import_of_another_organization_is_one_that_does_not_exist(scene: Scene, path: str) -> None:
    scene.run()
    other = ApiClient(make_organization())

    answers = [other.get(f"imports/{import_id}/{path}") for import_id in (scene.import_id, 999_999_999, "x", "0")]

    for answer in answers:
        assert_error(answer, 404, "record_not_found", "The requested record was not found")
        assert dict(answer.headers) == dict(answers[0].headers)


def test_changes_are_those_of_one_import(scene: Scene) -> None:
    other = scene.api.run({"company": [{"name": "Yellows"}]})
    scene.run()

    assert rows(scene.api, f"imports/{other}/changes") == ["company 1"]
    assert len(rows(scene.api, f"imports/{scene.import_id}/changes")) == 4


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_changes_cannot_be_written(scene: Scene, method: str) -> None:
    response = scene.api.request(method, f"imports/{scene.import_id}/changes")

    assert_error(response, 405, "method_not_allowed", "This method is not allowed on this endpoint")


def test_records_of_an_unregistered_type_are_identified_by_its_name(acme: NewOrganization, api: ApiClient) -> None:
    import_ = make_import(creator=acme.person, state=ImportState.PROCESSED)
    change = SingleChange.objects.create(
        organization=acme.organization,
        import_record=import_,
        record_type="deal",
        record_id=2**63 - 1,
        row=1,
        action="created",
        after={"name": "Renewal"},
    )

    (resource,) = document_of(api.get(f"imports/{import_.pk}/changes"))["data"]

    assert resource == {
        "id": str(change.pk),
        "type": "import_changes",
        "attributes": {
            "row": 1,
            "action": "created",
            "before": None,
            "after": {"name": "Renewal"},
            "outcome": None,
            "kept_fields": None,
        },
        "relationships": {
            "import": {"data": {"type": "imports", "id": str(import_.pk)}},
            "record": {"data": {"type": "deal", "id": str(2**63 - 1)}},
        },
    }


def test_values_have_the_form_that_the_record_shows(api: ApiClient) -> None:
    odd = {"a": 0.1, "b": 10**30, "c": 1e16, "d": -0.0, "e": 1e-7, "f": "\u2028 🦄 \x7f", "g": {"": [None, True]}}
    import_id = api.run({"person": [{"first_name": "Ann", "email": "ann@acme.test", "custom_fields": odd}]})

    (change,) = document_of(api.get(f"imports/{import_id}/changes"))["data"]
    (person,) = document_of(api.get(f"people?filter[import_id]={import_id}"))["data"]

    shown = person["attributes"]["custom_fields"]
    assert shown == change["attributes"]["after"]["custom_fields"] == odd
    assert [type(value) for value in change["attributes"]["after"]["custom_fields"].values()] == [
        type(value) for value in shown.values()
    ]


def test_changes_have_a_tag_like_every_document(scene: Scene) -> None:
    scene.run()
    path = f"imports/{scene.import_id}/changes"
    tag = scene.api.get(path).headers["ETag"]

    assert tag.startswith('W/"')
    assert scene.api.get(path, **{"If-None-Match": tag}).status_code == 304
    scene.revert()
    assert scene.api.get(path, **{"If-None-Match": tag}).status_code == 200
