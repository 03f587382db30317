"""Queries of lists and records are compiled once for all callers, and equal each caller's own queryset."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from django.db import connection
from django.db.models.sql.compiler import SQLCompiler
from django.test.utils import CaptureQueriesContext

from importsvc.jsonapi.document.queries import compile_count, compile_first_page, compile_record
from importsvc.urls import router
from people.services import NewOrganization
from tests.builders import (
    make_company,
    make_delivery,
    make_endpoint,
    make_import,
    make_import_file,
    make_import_model,
    make_import_session,
    make_operation,
    make_person,
)
from tests.client import ApiClient
from tests.jsonapi.reference import answer_slowly

VIEWS: dict[str, Any] = {prefix: view_class for prefix, view_class, _ in router.registry}
LISTS = [prefix for prefix, view_class in VIEWS.items() if hasattr(view_class, "list")]


@contextmanager
def no_sql_written() -> Iterator[None]:
    """Within the block, Django must not turn a queryset into SQL."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("a query was written for a request")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SQLCompiler, "as_sql", refuse)
        yield


def populate(caller: NewOrganization) -> dict[str, int]:
    """The ids of one record of each type; there are two of most."""
    organization, name = caller.organization, caller.organization.name
    company = make_company(organization=organization, name=f"Reds of {name}", custom_fields={"of": name})
    person = make_person(organization=organization, company=company, first_name=f"Ann of {name}")
    imports = [make_import(creator=creator) for creator in (person, caller.person)]
    endpoints = [make_endpoint(organization=organization, creator=creator) for creator in (person, None)]
    deliveries = [make_delivery(endpoint=endpoint) for endpoint in endpoints]
    operations = [make_operation(creator=creator, import_=imports[0]) for creator in (person, caller.person)]
    models = [make_import_model(organization=organization, name=f"{each} of {name}") for each in ("A", "B")]
    files = [make_import_file(creator=creator, name=name) for creator in (person, caller.person)]
    sessions = [make_import_session(person=each, creator=caller.person) for each in (person, caller.person)]
    return {
        "organizations": organization.pk,
        "companies": company.pk,
        "people": person.pk,
        "imports": imports[0].pk,
        "webhook_endpoints": endpoints[0].pk,
        "webhook_deliveries": deliveries[0].pk,
        "operations": operations[0].pk,
        "import_models": models[0].pk,
        "import_files": files[0].pk,
        "import_sessions": sessions[0].pk,
    }


def paths(resource: str, record_id: int) -> list[str]:
    """Some shapes of the resource's documents."""
    asked = [f"{resource}/{record_id}", f"{resource}/{record_id}?fields[{resource}]="]
    if resource in LISTS:
        asked += [resource, f"{resource}?sort=-id", f"{resource}?page[number]=1&page[size]=1"]
    if resource == "people":
        asked += ["people?include=company", f"people/{record_id}?include=company"]
    return asked


@pytest.mark.parametrize("resource", VIEWS)
def test_a_query_compiled_for_one_caller_serves_every_caller_with_their_own_records(
    api: ApiClient, globex: NewOrganization, resource: str
) -> None:
    other = ApiClient(globex)
    ours, theirs = populate(api.caller)[resource], populate(globex)[resource]
    for path in paths(resource, ours):
        assert api.get(path).status_code == 200, path
    assert other.get("imports").status_code == 200  # moves last_seen_at, which then stays the same

    with no_sql_written():
        answers = {path: other.get(path) for path in paths(resource, theirs)}
        assert other.get(f"{resource}/{ours}").status_code == 404

    for path, answer in answers.items():
        record_id = theirs if str(theirs) in path.partition("?")[0] else None
        assert answer.content == answer_slowly(VIEWS[resource], globex, path, record_id), path


@pytest.mark.parametrize("resource", VIEWS)
def test_compiled_queries_have_the_conditions_of_the_callers_own_queryset(api: ApiClient, resource: str) -> None:
    view_class = VIEWS[resource]
    view = view_class()
    view.request = SimpleNamespace(user=api.caller.person)
    parameters = view.get_parameters()
    at = "queued_at" if resource == "operations" else "created_at"
    names, columns, order = tuple(parameters), ("id", at), (f"-{at}", "id")
    records = view.get_queryset()

    with CaptureQueriesContext(connection) as written:
        found = compile_record(view_class, names, columns).fetch(pk=7, **parameters)
        first = compile_first_page(view_class, names, columns, order, 5).fetch(**parameters)
        count = compile_count(view_class, names).fetch(**parameters)
    with CaptureQueriesContext(connection) as own:
        assert found == list(records.filter(pk=7).values_list(*columns))
        assert first == list(records.order_by(*order)[:5].values_list(*columns))
        assert count == [(records.count(),)]

    def conditions(queries: CaptureQueriesContext) -> list[str]:
        return [each["sql"].partition(" FROM ")[2].replace("(", "").replace(")", "") for each in queries]

    assert conditions(written) == conditions(own)
    assert all(f"= {api.caller.organization.pk}" in condition for condition in conditions(written))


def test_shapes_have_queries_of_their_own_and_share_the_count(api: ApiClient) -> None:
    for cache in (compile_count, compile_first_page, compile_record):
        cache.cache_clear()

    for _ in range(2):
        for query in ("", "page[size]=30", "page[size]=31", "sort=id", "sort=-id", "fields[people]=email"):
            assert api.get(f"people?{query}").status_code == 200

    assert compile_count.cache_info().misses == 1
    # Without a size it is 30.
    assert compile_first_page.cache_info().misses == 5


@pytest.mark.parametrize("query", ["filter[id]={}", "page[number]=2", "page[number]=01", "filter[id][]={}&sort=-id"])
def test_queries_of_filtered_lists_and_later_pages_are_not_cached(api: ApiClient, query: str) -> None:
    for cache in (compile_count, compile_first_page):
        cache.cache_clear()

    assert api.get(f"people?{query.format(api.caller.person.pk)}").status_code == 200

    assert compile_count.cache_info().misses == compile_first_page.cache_info().misses == 0
