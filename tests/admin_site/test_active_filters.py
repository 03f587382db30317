"""A list says by what it is narrowed, and each filter is a link to the list without it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from importsvc.imports.models import Import
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import SCRIPT, url_of
from tests.builders import make_import, make_organization

pytestmark = pytest.mark.django_db


def read_filters(client: Client, model: Any, query: dict[str, Any]) -> list[tuple[str, str]]:
    """The text of each active filter of a list, and the URL without it."""
    response = client.get(url_of(model, "changelist"), query)
    assert response.status_code == 200
    part = response.content.decode().partition('<ul id="active-filters"')[2].partition("</ul>")[0]
    found = re.findall(r'<a [^>]*href="([^"]*)" aria-label="Remove the filter ([^"]*)">', part)
    return [(unescape(text), unescape(url)) for url, text in found]


def test_a_list_that_is_not_narrowed_has_none(acme: NewOrganization, admin_client: Client) -> None:
    assert read_filters(admin_client, Import, {"o": "-1", "state": ""}) == []


@pytest.mark.parametrize(
    ("model", "query", "text"),
    [
        (Import, {"q": "ada"}, "search: ada"),
        (Import, {"state": "reverted"}, "state: reverted"),
        (Import, {"state": "attention"}, "state: needs attention"),
        (Import, {"sample__exact": "1"}, "sample: yes"),
        (Import, {"import_model_id": "1"}, "import model id: 1"),
        (Import, {"created_at_from": "2024-01-02"}, "created at: from 2024-01-02"),
        (Import, {"created_at_to": "2024-01-03"}, "created at: to 2024-01-03"),
        (
            Import,
            {"created_at_from": "2024-01-02", "created_at_to": "2024-01-03"},
            "created at: 2024-01-02 to 2024-01-03",
        ),
        (Import, {"organization__id__exact": "99999"}, "organization: 99999"),
        (Person, {"is_user__exact": "0"}, "is user: no"),
        (Person, {"archived_at__isempty": "0"}, "archived at: set"),
        (Person, {"archived_at__isempty": "1"}, "archived at: empty"),
        (Person, {"q": "a" * 50}, f"search: {'a' * 40}…"),
        (Person, {"q": SCRIPT}, f"search: {SCRIPT}"),
    ],
)
def test_a_filter_is_in_words_and_leads_to_the_list_without_it(
    admin_client: Client, model: Any, query: dict[str, str], text: str
) -> None:
    assert read_filters(admin_client, model, query) == [(text, "?")]


def test_each_filter_leads_to_the_list_with_the_others(acme: NewOrganization, admin_client: Client) -> None:
    query = {"q": "ada", "state": "created", "organization__id__exact": acme.organization.pk, "o": "2", "p": "1"}
    organization = f"organization__id__exact={acme.organization.pk}"

    found = read_filters(admin_client, Import, query)

    assert found == [
        ("search: ada", f"?state=created&{organization}&o=2"),
        ("state: created", f"?q=ada&{organization}&o=2"),
        ("organization: Acme", "?q=ada&state=created&o=2"),
    ]


def test_imports_are_filtered_by_their_creator(acme: NewOrganization, admin_client: Client) -> None:
    import_ = make_import(creator=acme.person)
    make_import(creator=make_organization().person)
    query = {"creator__id__exact": acme.person.pk}

    response: Any = admin_client.get(url_of(Import, "changelist"), query)

    assert [found.pk for found in response.context["cl"].result_list] == [import_.pk]
    assert read_filters(admin_client, Import, query) == [("creator: Ada Lovelace", "?")]
