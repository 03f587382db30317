"""An import's page shows staged rows as tables with pages."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from importsvc.engine.parse import chunks
from importsvc.imports.admin.detail import TABLE_COLUMNS, read_staged_data
from importsvc.imports.services import create_import
from people.services import NewOrganization
from tests.admin_pages import (
    ESCAPED,
    SCRIPT,
    read,
    url_of,
)
from tests.builders import make_import

pytestmark = pytest.mark.django_db


def test_staged_rows_are_shown_as_tables(acme: NewOrganization, admin_client: Client) -> None:
    rows = [{"First Name": "A"}, {"first_name": "B", "Tag List": ["x", "y"], "title": "long" * 30}]
    import_ = create_import(organization=acme.organization, creator=acme.person, import_data={"person": rows})

    page = read(admin_client, url_of(import_))

    headers = ["First Name", "first_name", "Tag List", "title"]
    assert "<th>Row</th>" + "".join(f'<th class="given">{header}</th>' for header in headers) in page
    cells = ["", "B", "[&quot;x&quot;, &quot;y&quot;]", "long" * 25 + "…"]
    assert '<td class="short">2</td>' + "".join(f"<td>{cell}</td>" for cell in cells) in page
    assert "> 2 rows </nav>" in page


def test_staged_rows_are_paged(acme: NewOrganization, admin_client: Client) -> None:
    rows = [{"name": f"Company {number}"} for number in range(1, 302)]
    import_ = make_import(creator=acme.person, import_data=json.dumps({"company": rows}))
    first, last = (read(admin_client, f"{url_of(import_)}{query}") for query in ("", "?staged_page=2"))
    assert '<b aria-current="page">1</b> <a href="?staged_page=2#staged">2</a> 301 rows </nav>' in first
    assert "<td>Company 200</td>" in first
    assert "<td>Company 201</td>" not in first
    assert '<td class="short">201</td><td>Company 201</td>' in last
    assert "<td>Company 301</td>" in last
    assert "<td>Company 200</td>" not in last


def test_only_the_staged_rows_of_the_page_are_read(acme: NewOrganization, admin_client: Client) -> None:
    rows = {"company": [{"name": f"Company {number}"} for number in range(1, 20_001)]}
    import_ = make_import(creator=acme.person, import_data=rows)

    with CaptureQueriesContext(connection) as queries:
        (table,) = read_staged_data(import_, 51)

    assert table.page.paginator.count == 20_000
    assert [number for number, _ in table.rows] == list(range(10_001, 10_201))
    assert table.rows[0] == (10_001, ["Company 10001"])
    read_chunks = [query["sql"] for query in queries if '"rows"::text' in query["sql"]]
    assert len(read_chunks) == 1
    page = read(admin_client, f"{url_of(import_)}?staged_page=100")
    assert '<td class="short">20000</td><td>Company 20000</td>' in page
    assert "20000 rows </nav>" in page


def test_a_page_of_rows_may_begin_and_end_in_any_chunk(acme: NewOrganization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 7)
    rows = {"person": [{"first_name": "P"}], "company": [{"name": number} for number in range(1, 302)]}
    import_ = make_import(creator=acme.person, import_data=rows)

    people, companies = read_staged_data(import_, 2)

    assert (people.name, people.rows) == ("person", [(1, ["P"])])
    assert (companies.name, companies.rows) == ("company", [(number, [str(number)]) for number in range(201, 302)])


def test_cells_are_shown_as_they_were_sent(acme: NewOrganization, admin_client: Client) -> None:
    row = f'{{"name": "{SCRIPT}", "due_days": 7.00, "custom_fields": {{"b": [1.50, null], "a": -0}}}}'
    import_ = make_import(creator=acme.person, import_data=f'{{"company": [{row}]}}')

    page = read(admin_client, url_of(import_))

    cells = [ESCAPED, "7.00", "{&quot;b&quot;: [1.50, null], &quot;a&quot;: -0}"]
    assert "".join(f"<td>{cell}</td>" for cell in cells) in page


def test_the_page_says_that_there_are_no_staged_rows(acme: NewOrganization, admin_client: Client) -> None:
    page = read(admin_client, url_of(make_import(creator=acme.person)))

    assert "<h2>Staged rows</h2> <p>None.</p>" in page


def test_only_the_first_columns_of_wide_rows_are_shown(acme: NewOrganization) -> None:
    rows = {"company": [{f"column {number}": number for number in range(60)}]}

    (table,) = read_staged_data(make_import(creator=acme.person, import_data=rows))

    assert table.columns == [f"column {number}" for number in range(TABLE_COLUMNS)]


def test_staged_characters_that_cannot_be_sent_are_replaced(acme: NewOrganization, admin_client: Client) -> None:
    rows = {"company": [{"na\\ud800me": "half \ud800 and \x00"}]}
    import_ = make_import(creator=acme.person, import_data=json.dumps(rows))
    assert "<td>half ? and �</td>" in read(admin_client, url_of(import_))
