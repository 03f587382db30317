"""An import's page shows what is staged, as tables where it makes some, and much of it in part."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from importsvc.imports.admin import detail as previews
from importsvc.imports.services import create_import
from people.services import NewOrganization
from tests.admin_pages import (
    ESCAPED,
    SCRIPT,
    admin_user,  # noqa: F401 - who admin_client is
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
    assert "<p> 2 rows </p>" in page


def test_staged_rows_are_paged(acme: NewOrganization, admin_client: Client) -> None:
    rows = [{"name": f"Company {number}"} for number in range(1, 302)]
    import_ = make_import(creator=acme.person, import_data=json.dumps({"company": rows}))
    first, last = (read(admin_client, f"{url_of(import_)}{query}") for query in ("", "?staged_page=2"))
    assert '<b>1</b> <a href="?staged_page=2#staged">2</a> 301 rows </p>' in first
    assert "<td>Company 200</td>" in first
    assert "<td>Company 201</td>" not in first
    assert '<td class="short">201</td><td>Company 201</td>' in last
    assert "<td>Company 301</td>" in last
    assert "<td>Company 200</td>" not in last


def test_of_much_staged_data_only_the_beginning_is_loaded_and_shown_as_a_table(
    acme: NewOrganization, admin_client: Client
) -> None:
    rows = json.dumps({"company": [{"name": f"Company {number}"} for number in range(1, 100_001)]})
    import_ = make_import(creator=acme.person, import_data=rows)
    (table,) = previews.read_staged_data(import_.pk).tables
    assert 30_000 < table.page.paginator.count < 40_000
    page = read(admin_client, f"{url_of(import_)}?staged_page=100")
    assert '<td class="short">20000</td><td>Company 20000</td>' in page
    assert f"The first {table.page.paginator.count} rows of 2.6 MB; all of them are in the download" in page


def test_much_staged_data_that_is_no_table_is_shown_as_it_begins(acme: NewOrganization, admin_client: Client) -> None:
    import_ = make_import(creator=acme.person, import_data='["company", ' + '{"name": "x"}, ' * 100_000)
    staged = previews.read_staged_data(import_.pk)
    assert len(staged.text) == 100_000
    assert "<p>The first 100000 characters of 1.4 MB</p>" in read(admin_client, url_of(import_))


@pytest.mark.parametrize(
    ("import_data", "shown"),
    [
        ("", ""),
        (f'{{"company": [{SCRIPT}', f"{{&quot;company&quot;: [{ESCAPED}"),
        ('{"company": ["no object"]}', "{&quot;company&quot;: [&quot;no object&quot;]}"),
        ('{"unknown": [{}]}', "{&quot;unknown&quot;: [{}]}"),
        ("[" * 5000, "[" * 5000),
        (json.dumps({"company": [{f"column {n}": n for n in range(51)}]}), "&quot;column 50&quot;: 50"),
    ],
)
def test_staged_data_that_makes_no_tables_is_shown_as_it_is(
    acme: NewOrganization, admin_client: Client, import_data: str, shown: str
) -> None:
    import_ = make_import(creator=acme.person, import_data=import_data)
    page = read(admin_client, url_of(import_))
    assert "<h2>Staged data</h2>" in page
    assert shown in page


def test_staged_characters_that_cannot_be_sent_are_replaced(acme: NewOrganization, admin_client: Client) -> None:
    rows = {"company": [{"na\\ud800me": "half \ud800 and \x00"}]}
    import_ = make_import(creator=acme.person, import_data=json.dumps(rows))
    assert "<td>half ? and �</td>" in read(admin_client, url_of(import_))
