"""Lists show names whole or truncated, the last import of each record, and what to do if they are empty."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from companies.models import Company
from importsvc.admin_site.names import show_name
from importsvc.imports.models import Import
from importsvc.imports.services import revert_import
from people.models import ApiToken, Person
from people.services import NewOrganization
from tests.admin_pages import ESCAPED, SCRIPT, read, url_of
from tests.builders import make_company, make_organization, make_person
from tests.imports.steps import import_rows

RIGHT_TO_LEFT = "\N{RIGHT-TO-LEFT OVERRIDE}evil"
EMPTY = '<div id="nothing"'


def rows_of(client: Client, model: Any, **query: str) -> list[list[str]]:
    """The cells of each row of a list, without tags and without the column of boxes."""
    page = client.get(url_of(model, "changelist"), query).content.decode()
    rows = re.findall(r'<tr class="data-row.*?</tr>', page, re.DOTALL)
    cells = [re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL)[1:] for row in rows]
    return [[" ".join(re.sub("<[^>]*>", " ", cell).split()) for cell in row] for row in cells]


def empty_text(client: Client, model: Any, **query: str) -> str:
    page = client.get(url_of(model, "changelist"), query).content.decode()
    assert "No results found" not in page
    return " ".join(re.sub("<[^>]*>", " ", page.partition(EMPTY)[2].partition("</div>")[0].partition(">")[2]).split())


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", "–"),
        (None, "–"),
        ("Ada", "<bdi>Ada</bdi>"),
        ("a" * 40, f"<bdi>{'a' * 40}</bdi>"),
        ("a" * 41, f'<bdi title="{"a" * 41}">{"a" * 39}…</bdi>'),
        (RIGHT_TO_LEFT, f"<bdi>{RIGHT_TO_LEFT}</bdi>"),
        (SCRIPT * 2, f'<bdi title="{ESCAPED * 2}">{ESCAPED}&lt;script&gt;alert(…</bdi>'),
    ],
)
def test_a_name_is_isolated_escaped_and_truncated_with_the_whole_in_its_tooltip(name: str | None, shown: str) -> None:
    assert show_name(name) == shown


def test_people_are_listed_with_title_address_company_and_last_import(
    acme: NewOrganization, admin_client: Client
) -> None:
    first = import_rows(
        acme, {"company": [{"name": "Initech"}], "person": [{"first_name": "Bob", "email": "b@i.test"}]}
    )
    rows = {"person": [{"first_name": "Bob", "email": "b@i.test", "title": "Buyer", "company": "Initech"}]}
    last = import_rows(acme, rows, on_duplicate="update")
    # A record of another organization and type with the ids of these has none of their imports.
    other = make_organization()
    bob = Person.objects.get(first_name="Bob")
    make_person(organization=other.organization, first_name="Zoe", pk=bob.pk + 1000)

    found = {row[0]: row[1:6] for row in rows_of(admin_client, Person)}

    assert found["Bob"] == ["Buyer", "b@i.test", "Initech", "Acme", f"Import {last.pk}"]
    assert found["Zoe"] == ["–", "–", "–", str(other.organization), "–"]
    assert {row[0]: row[2] for row in rows_of(admin_client, Company)}["Initech"] == f"Import {first.pk}"
    assert f'<a class="text-link" href="{url_of(last)}">Import {last.pk}</a>' in read(
        admin_client, url_of(Person, "changelist")
    )


def test_the_last_import_of_a_record_that_it_kept_is_shown_after_its_revert(
    acme: NewOrganization, admin_client: Client
) -> None:
    import_ = import_rows(acme, {"person": [{"first_name": "Bob", "email": "b@i.test"}]})
    Person.objects.filter(first_name="Bob").update(title="Buyer")
    revert_import(organization=acme.organization, import_id=import_.pk, on_conflict="keep")

    assert {row[0]: row[5] for row in rows_of(admin_client, Person)}["Bob"] == f"Import {import_.pk}"


def test_an_empty_list_says_what_to_do_next(admin_client: Client) -> None:
    command = "Import some, add one here, or run the command create_organization."
    assert empty_text(admin_client, Import) == "No imports yet. Create one with New import or POST /api/v2/imports."
    assert empty_text(admin_client, Person) == f"No people yet. {command}"
    assert empty_text(admin_client, Company) == f"No companies yet. {command}"


def test_a_list_whose_filters_match_nothing_leads_to_the_whole_list(
    acme: NewOrganization, admin_client: Client
) -> None:
    make_company(organization=acme.organization, name="Initech")
    nothing = "No companies match the search and the filters. Show all companies"

    assert empty_text(admin_client, Company, q="nobody") == nothing
    assert empty_text(admin_client, Company, archived_at__isempty="0") == nothing
    assert EMPTY not in read(admin_client, url_of(Company, "changelist"))
    assert EMPTY not in read(admin_client, url_of(ApiToken, "changelist"))
