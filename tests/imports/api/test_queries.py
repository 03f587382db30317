"""Responses cost a fixed number of queries, and only a run and its preview read the staged rows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from companies.models import Company
from importsvc.imports.models import Import
from importsvc.imports.rows import require_rows
from importsvc.imports.staging import store_rows
from people.models import Person
from tests.builders import PUBLISHED_ROWS, make_import
from tests.client import ApiClient, document_of

# 1. the token, with its person and organization
# 2. the usage of organization_features
# Further queries of lists; all other responses have only the second one:
# 3. the number of records
# 4. the records of the page, with the included records
LIST, DETAIL = 4, 3

# Once a minute, last_seen_at: a savepoint, the update, the savepoint's release.
LAST_SEEN = 3


def queries_of(api: ApiClient, method: str, path: str, *, status: int = 200) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        response = api.request(method, path)
    assert response.status_code == status, response.content
    return [query["sql"] for query in queries]


def populate(api: ApiClient, count: int) -> None:
    """As many imports, each with its own creator and company; the first few with staged rows."""
    organization = api.caller.organization
    companies = Company.objects.bulk_create(
        Company(organization=organization, name=f"Company {number}") for number in range(count)
    )
    people = Person.objects.bulk_create(
        Person(organization=organization, company=company, first_name="Grace") for company in companies
    )
    imports = Import.objects.bulk_create(Import(organization=organization, creator=person) for person in people)
    for import_ in imports[:5]:
        store_rows(import_, require_rows(PUBLISHED_ROWS))


@pytest.mark.parametrize(
    ("path", "included"),
    [
        ("imports?page[size]=200", 400),
        ("imports?page[size]=200&include=creator", 200),
        ("imports?page[size]=200&include=&sort=-started_at&filter[sample]=null", 0),
        ("people?page[size]=200&include=company", 200),
        ("people?page[size]=200", 0),
        ("companies?page[size]=200", 0),
    ],
)
def test_a_list_of_two_hundred_costs_as_many_queries_as_a_list_of_one(api: ApiClient, path: str, included: int) -> None:
    populate(api, 1)
    queries_of(api, "GET", path)

    one = queries_of(api, "GET", path)
    populate(api, 200)
    two_hundred = queries_of(api, "GET", path)

    assert (len(one), len(two_hundred)) == (LIST, LIST), two_hundred
    document = document_of(api.get(path))
    assert (len(document["data"]), len(document.get("included", []))) == (200, included)


@pytest.mark.parametrize("path", ["imports/{}", "imports/{}?include=", "people/{}?include=company", "companies/{}"])
def test_a_single_record_costs_three_queries(api: ApiClient, path: str) -> None:
    person = api.caller.person
    ids = {"imports": make_import(creator=person).pk, "people": person.pk, "companies": person.company_id}
    path = path.format(ids[path.partition("/")[0]])

    assert len(queries_of(api, "GET", path)) == DETAIL + LAST_SEEN
    assert len(queries_of(api, "GET", path)) == DETAIL


# Changes also read the import, to check its organization, and their chunks in place of a count.
CHANGES = LIST + 2
SORTED_CHANGES = LIST + 1


def test_two_hundred_changes_cost_as_many_queries_as_one(api: ApiClient) -> None:
    one = api.run({"company": [{"name": "Reds"}], "person": [{"first_name": "Ann"}]})
    many = api.run({"person": [{"first_name": "Ann"}] * 150, "company": [{"name": f"Blues {n}"} for n in range(150)]})

    counts = [
        len(queries_of(api, "GET", f"imports/{import_id}/changes?page[size]=200&sort={order}"))
        for order in ("id", "row")
        for import_id in (one, many)
    ]

    assert counts == [CHANGES, CHANGES, SORTED_CHANGES, SORTED_CHANGES]
    assert len(document_of(api.get(f"imports/{many}/changes?page[size]=200"))["data"]) == 200


@pytest.mark.parametrize("move", ["import", "revert"])
def test_a_preview_of_three_hundred_changes_costs_as_many_queries_as_one_of_two(api: ApiClient, move: str) -> None:
    def preview(rows: dict[str, list[dict[str, str]]]) -> int:
        import_id = api.stage(rows) if move == "import" else api.run(rows)
        return len(queries_of(api, "GET", f"imports/{import_id}/{move}?page[size]=200"))

    small = {"company": [{"name": "Reds"}], "person": [{"first_name": "Ann", "company": "Reds"}]}
    company = [{"name": f"Blues {n}"} for n in range(150)]
    large = {"company": company, "person": [{"first_name": "Ann", "company": each["name"]} for each in company]}

    assert preview(small) == preview(large)


def test_a_refused_request_costs_one_query_at_most(api: ApiClient) -> None:
    for name, count in (("X-Auth-Token", 1), ("X-Organization-Id", 1), ("Accept", 0)):
        with CaptureQueriesContext(connection) as queries:
            api.request("GET", "imports", headers={name: "text/banana"})
            api.get("nothing")

        # A wrong token is counted within a savepoint.
        assert len([each for each in queries if "SAVEPOINT" not in each["sql"]]) == count


def test_only_a_run_and_its_preview_read_the_staged_rows(api: ApiClient) -> None:
    """Staged rows can be hundreds of megabytes."""
    import_id = api.stage(PUBLISHED_ROWS)
    run = f"imports/{import_id}/import"

    selected = {
        f"{method} {path}": [sql for sql in queries_of(api, method, path) if "SELECT" in sql and '"rows"' in sql]
        for method, path in [
            ("GET", "imports"),
            ("GET", f"imports/{import_id}"),
            ("GET", f"people?filter[import_id]={import_id}"),
            ("GET", f"imports/{import_id}/import"),
            ("POST", run),
            ("GET", f"imports/{import_id}/changes"),
            ("GET", f"imports/{import_id}/revert"),
            ("PATCH", f"imports/{import_id}/revert"),
        ]
    }

    assert {path for path, queries in selected.items() if queries} == {f"GET {run}", f"POST {run}"}


@pytest.mark.parametrize(("method", "path"), [("POST", "imports"), ("PATCH", "imports/{}")])
def test_staging_does_not_read_the_rows_back(api: ApiClient, method: str, path: str) -> None:
    path = path.format(api.stage(PUBLISHED_ROWS))

    with CaptureQueriesContext(connection) as queries:
        response = api.send_import(method, path, import_data=PUBLISHED_ROWS)

    assert response.status_code in (200, 201)
    reads = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    assert not [sql for sql in reads if '"rows"' in sql]


# 1. the token, 2. the limits of the transaction, 3. the import, locked
# 4. the chunk of the row, 5. the keys of the row, 6. both written
# 7. the first rows of all chunks and their unknown columns
# 8. the rows that have the address or the name, old or new, 9. those that refer to the name
# 10. the errors of the checked rows, deleted
# 11. the other rows that the check reads
# 12. to 18. the existing records: the unique columns of both types and the reference, and for each type two settings
# 19. the import written, 20. its refusal deleted
# 21. the row and 22. its errors, as the response has them
# 23. the usage of organization_features
# The name of a company: the errors of companies and those of people are deleted by a statement each.
@pytest.mark.parametrize(
    ("row", "cells", "count"), [("person/1", {"email": "new@x.io"}, 23), ("company/1", {"name": "Blues"}, 24)]
)
def test_a_correction_costs_as_many_queries_however_many_chunks_the_rows_are_in(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch, row: str, cells: dict[str, Any], count: int
) -> None:
    """Without the errors that are written, by COPY."""
    monkeypatch.setattr("importsvc.engine.parse.chunks.CHUNK_ROWS", 1)
    body = json.dumps({"data": {"type": "import_rows", "attributes": {"cells": cells}}})
    statements = []
    for people in (2, 15):
        rows = {
            "company": [{"name": "Reds"}],
            "person": [{"first_name": "Ann", "email": f"{each}@x.io", "company": "Reds"} for each in range(people)],
        }
        staged = document_of(api.send_import("POST", "imports", import_data=rows, on_row_error="stage"))
        path = f"imports/{staged['data']['id']}/rows/{row}"
        with CaptureQueriesContext(connection) as queries:
            assert api.request("PATCH", path, body).status_code == 200
        statements.append([sql for each in queries if "SAVEPOINT" not in (sql := each["sql"])])

    assert [len(each) for each in statements] == [count, count], statements
