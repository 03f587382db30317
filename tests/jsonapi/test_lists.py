"""Lists: filters, order, pages, includes and sparse fieldsets (contract, section 2.3)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.builders import make_company, make_import, make_person
from tests.client import ApiClient, document_of

BASE = "http://testserver/api/v2/"


def ids(api: ApiClient, path: str) -> list[str]:
    response = api.get(path)
    assert response.status_code == 200, response.content
    return [resource["id"] for resource in document_of(response)["data"]]


@pytest.fixture
def models(api: ApiClient) -> dict[str, str]:
    """Names of imports by their ids: one of each model, the last of none."""
    made = {name: make_import(creator=api.caller.person, import_model_id=name) for name in (1, 2, 3, None)}
    return {str(each.pk): str(name) for name, each in made.items()}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("filter[import_model_id]=1", "1"),
        ("filter[import_model_id]=1,2", "1 2"),
        ("filter[import_model_id][]=1&filter[import_model_id][]=2", "1 2"),
        ("filter[import_model_id]=1&filter[import_model_id]=2", "1 2"),
        ("filter[import_model_id]=2,1&filter[import_model_id][]=3", "1 2 3"),
        ("filter%5Bimport_model_id%5D=1%2C2", "1 2"),
        ("filter[import_model_id][]=1,2", "1 2"),
        ("filter[import_model_id]=1,1,1", "1"),
        ("filter[import_model_id]=001", "1"),
        ("filter[import_model_id]=0", ""),
        ("filter[import_model_id]=4", ""),
        (f"filter[import_model_id]=1,{2**63}", "1"),
        (f"filter[import_model_id]={2**63}", ""),
        ("", "1 2 3 None"),
    ],
)
def test_imports_are_filtered_by_the_union_of_models(
    api: ApiClient, models: dict[str, str], query: str, found: str
) -> None:
    assert " ".join(models[each] for each in ids(api, f"imports?{query}")) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("filter[sample]=true", "True"),
        ("filter[sample]=false", "False"),
        ("filter[sample]=null", "None"),
        ("filter[sample]=true,false", "True False"),
        ("filter[sample][]=null&filter[sample]=true", "True None"),
        ("filter[sample]=true&filter[import_model_id]=7", "True"),
        ("filter[sample]=false&filter[import_model_id]=7", ""),
    ],
)
def test_imports_are_filtered_by_sample_and_filters_all_apply(api: ApiClient, query: str, found: str) -> None:
    models = {True: 7, False: None, None: None}
    made = {
        str(make_import(creator=api.caller.person, sample=sample, import_model_id=model).pk): str(sample)
        for sample, model in models.items()
    }

    assert " ".join(made[each] for each in ids(api, f"imports?{query}")) == found


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", "abcd"),
        ("id", "abcd"),
        ("-id", "dcba"),
        ("started_at", "bcda"),
        ("-started_at", "adbc"),
        ("processed_at", "bdca"),
        ("started_at,-processed_at", "cbda"),
        ("started_at,processed_at,-id", "bcda"),
        ("-started_at,-id", "adcb"),
        ("reverted_at", "abcd"),
        ("-reverted_at,-id", "dcba"),
        ("id,-id", "abcd"),
    ],
)
def test_imports_are_sorted_by_lists_of_fields_and_then_by_id(api: ApiClient, sort: str, order: str) -> None:
    def at(minute: int) -> datetime:
        return datetime(2024, 1, 1, 12, minute, tzinfo=UTC)

    times: list[dict[str, Any]] = [
        {},
        {"started_at": at(1), "processed_at": at(2)},
        {"started_at": at(1), "processed_at": at(4)},
        {"started_at": at(2), "processed_at": at(3)},
    ]
    names = {str(make_import(creator=api.caller.person, **each).pk): "abcd"[n] for n, each in enumerate(times)}

    assert "".join(names[each] for each in ids(api, f"imports?sort={sort}")) == order


def page_of(api: ApiClient, path: str) -> tuple[int, dict[str, str], list[int]]:
    """The number of records, the pages of the links, and the counts of the page."""
    document = document_of(api.get(path))
    figures = list(document["meta"].values())[:-1]
    names = ["current_page", "total_pages", "total_count", "page_size", "max_page_size", "organization_features"]
    assert list(document["meta"]) == names
    return len(document["data"]), document["links"], figures


def links(path: str, size: int, **pages: int) -> dict[str, str]:
    return {name: f"{BASE}{path}page%5Bnumber%5D={number}&page%5Bsize%5D={size}" for name, number in pages.items()}


@pytest.mark.parametrize(
    ("query", "count", "expected", "figures"),
    [
        ("", 5, links("imports?", 30, first=1, last=1), [1, 1, 5, 30, 200]),
        ("page[size]=2", 2, links("imports?", 2, first=1, last=3, next=2), [1, 3, 5, 2, 200]),
        ("page[number]=2&page[size]=2", 2, links("imports?", 2, first=1, last=3, prev=1, next=3), [2, 3, 5, 2, 200]),
        ("page[size]=2&page[number]=3", 1, links("imports?", 2, first=1, last=3, prev=2), [3, 3, 5, 2, 200]),
        ("page[number]=4&page[size]=2", 0, links("imports?", 2, first=1, last=3, prev=3), [4, 3, 5, 2, 200]),
        ("page[number]=99", 0, links("imports?", 30, first=1, last=1, prev=1), [99, 1, 5, 30, 200]),
        ("page[number]=01&page[size]=005", 5, links("imports?", 5, first=1, last=1), [1, 1, 5, 5, 200]),
        ("page[size]=200", 5, links("imports?", 200, first=1, last=1), [1, 1, 5, 200, 200]),
        ("page[size]=201", 5, links("imports?", 200, first=1, last=1), [1, 1, 5, 200, 200]),
        (f"page[size]={'9' * 99}", 5, links("imports?", 200, first=1, last=1), [1, 1, 5, 200, 200]),
    ],
)
def test_pages_have_links_and_figures(
    api: ApiClient, query: str, count: int, expected: dict[str, str], figures: list[int]
) -> None:
    for _ in range(5):
        make_import(creator=api.caller.person)

    shown, shown_links, shown_figures = page_of(api, f"imports?{query}")

    assert (shown, shown_links, list(shown_links), shown_figures) == (count, expected, list(expected), figures)


@pytest.mark.parametrize(("query", "number", "pages"), [("", 1, {}), ("page[number]=3", 3, {"prev": 1})])
def test_an_empty_collection_has_no_pages_and_both_links_name_page_1(
    api: ApiClient, query: str, number: int, pages: dict[str, int]
) -> None:
    shown, shown_links, figures = page_of(api, f"imports?{query}")

    assert (shown, figures) == (0, [number, 0, 0, 30, 200])
    assert shown_links == links("imports?", 30, first=1, last=1, **pages)


def test_links_carry_all_parameters_sorted_and_percent_encoded(api: ApiClient) -> None:
    query = "sort=-id&page[size]=1&filter[sample]=null&include=&filter[import_model_id][]=2&filter[import_model_id][]=1"
    make_import(creator=api.caller.person, import_model_id=1)
    make_import(creator=api.caller.person, import_model_id=2)

    own = (
        "imports?filter%5Bimport_model_id%5D%5B%5D=2&filter%5Bimport_model_id%5D%5B%5D=1&filter%5Bsample%5D=null"
        "&include=&{page}&sort=-id"
    )
    pages = {
        name: own.replace("{page}", f"page%5Bnumber%5D={number}&page%5Bsize%5D=1")
        for name, number in {"first": 1, "last": 2, "next": 2}.items()
    }
    document = document_of(api.get(f"imports?{query}"))
    assert document["links"] == {name: f"{BASE}{path}" for name, path in pages.items()}
    assert ids(api, document["links"]["next"].removeprefix("http://testserver")) == [
        str(min(map(int, ids(api, "imports"))))
    ]


def test_links_can_be_followed_whatever_the_letters(api: ApiClient) -> None:
    made = [make_company(organization=api.caller.organization, name="Ä & Ö+?#/100% 🦄") for _ in range(2)]
    path = "companies?filter[name]=%C3%A4%20%26+%C3%B6%2B%3F%23/100%25%20%F0%9F%A6%84&page[size]=1"

    following = document_of(api.get(path))["links"]["next"]

    assert following.isascii()
    assert ids(api, following.removeprefix("http://testserver")) == [str(made[1].pk)]


@pytest.fixture
def creators(api: ApiClient) -> list[tuple[str, str]]:
    """Types and ids of creators and then of their companies, in the order of the imports; some are shared."""
    organization = api.caller.organization
    companies = [make_company(organization=organization, name=name) for name in ("A", "B")]
    people = [make_person(organization=organization, company=company) for company in (*companies, companies[1], None)]
    for person in (people[2], people[0], people[2], people[1], people[3]):
        make_import(creator=person)
    people = [people[2], people[0], people[1], people[3]]
    return [("people", str(each.pk)) for each in people] + [("companies", str(companies[n].pk)) for n in (1, 0)]


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ("", {"people", "companies"}),
        ("include=creator,creator.company", {"people", "companies"}),
        ("include=creator.company,creator", {"people", "companies"}),
        ("include=creator.company", {"people", "companies"}),
        ("include=creator,creator", {"people"}),
        ("include=creator", {"people"}),
        ("include=", set()),
        ("fields[imports]=sample", {"people", "companies"}),
        ("fields[imports]=&fields[people]=", {"people", "companies"}),
        ("include=creator&fields[people]=first_name", {"people"}),
    ],
)
def test_included_are_people_then_companies_each_once_in_the_order_of_reference(
    api: ApiClient, creators: list[tuple[str, str]], query: str, types: set[str]
) -> None:
    document = document_of(api.get(f"imports?{query}"))

    shown = [(resource["type"], resource["id"]) for resource in document["included"]]
    assert shown == [each for each in creators if each[0] in types]
    assert list(document) == ["data", "included", "links", "meta"]


def test_nothing_is_included_by_default_where_the_published_page_includes_nothing(api: ApiClient) -> None:
    assert "included" not in document_of(api.get("people"))
    assert document_of(api.get("people?include="))["included"] == []
    included = document_of(api.get("people?include=company"))["included"]
    assert [(each["type"], each["id"]) for each in included] == [("companies", str(api.caller.person.company_id))]


@pytest.mark.parametrize(
    ("query", "import_", "person"),
    [
        ("fields[imports]=sample,creator", {"attributes": ["sample"], "relationships": ["creator"]}, None),
        ("fields[imports]=creator_id", {"attributes": ["creator_id"]}, None),
        ("fields[imports]=organization", {"relationships": ["organization"]}, None),
        ("fields[imports]=", {}, None),
        ("fields[people]=", None, {}),
        ("fields[people]=title,first_name", None, {"attributes": ["first_name", "title"]}),
        ("fields[people]=company&fields[imports]=", {}, {"relationships": ["company"]}),
    ],
)
def test_sparse_fieldsets_leave_out_all_other_fields(
    api: ApiClient, query: str, import_: dict[str, list[str]] | None, person: dict[str, list[str]] | None
) -> None:
    def members(resource: dict[str, Any]) -> dict[str, list[str]]:
        assert list(resource)[:2] == ["id", "type"]
        return {name: list(value) for name, value in resource.items() if isinstance(value, dict)}

    made = make_import(creator=api.caller.person)
    whole = document_of(api.get("imports"))

    for document in document_of(api.get(f"imports?{query}")), document_of(api.get(f"imports/{made.pk}?{query}")):
        resource = document["data"] if isinstance(document["data"], dict) else document["data"][0]
        assert members(resource) == (members(whole["data"][0]) if import_ is None else import_)
        assert members(document["included"][0]) == (members(whole["included"][0]) if person is None else person)
        assert document["included"][1] == whole["included"][1]
