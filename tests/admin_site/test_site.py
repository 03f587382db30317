"""The search finds imports, people, companies and organizations, and no page loads files from another server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import unfold
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.contrib.staticfiles import finders
from django.test import Client
from unfold.admin import ModelAdmin

from importsvc.files.models import ImportFile, ImportModel
from importsvc.import_sessions.models import ImportSession
from people.services import NewOrganization
from tests.admin_pages import (
    SCRIPT,
    log_in_staff,
    read,
    url_of,
)
from tests.builders import make_company, make_import, make_organization, make_person

pytestmark = pytest.mark.django_db


def find(client: Client, term: str) -> list[str]:
    """The links in the results of the search."""
    response = client.get("/admin/search/", {"s": term, "extended": "1"})
    assert response.status_code == 200
    return re.findall(r'href="(.*?)"', response.content.decode())


def test_every_model_uses_the_theme_of_the_admin() -> None:
    assert {User, Group} <= set(admin.site._registry)
    assert all(isinstance(model_admin, ModelAdmin) for model_admin in admin.site._registry.values())


def test_the_search_finds_imports_people_companies_and_organizations(
    acme: NewOrganization, admin_client: Client
) -> None:
    import_ = make_import(creator=acme.person)
    assert find(admin_client, "ada@acme") == [url_of(import_), url_of(acme.person)]
    assert find(admin_client, "ACME") == [
        *(url_of(record) for record in (import_, acme.person, acme.person.company, acme.organization))
    ]
    lists = [url_of(model, "changelist") for model in (ImportFile, ImportModel, ImportSession, type(import_))]
    assert find(admin_client, "import") == lists
    assert find(admin_client, "nobody at all") == []


def test_a_new_record_is_found_at_once(acme: NewOrganization, admin_client: Client) -> None:
    assert find(admin_client, "lovelace") == [url_of(acme.person)]
    import_ = make_import(creator=acme.person)
    assert find(admin_client, "lovelace") == [url_of(import_), url_of(acme.person)]


def test_the_search_shows_the_latest_ten_of_each_kind(acme: NewOrganization, admin_client: Client) -> None:
    people = [make_person(organization=acme.organization, first_name="Many") for _ in range(12)]
    companies = [make_company(organization=acme.organization, name=f"Many {number}") for number in range(12)]
    latest = [url_of(record) for record in [*people[:1:-1], *companies[:1:-1]]]
    assert find(admin_client, "many") == latest


@pytest.mark.parametrize("term", ["", " ", "\0", "x\0"])
def test_an_empty_search_finds_nothing(acme: NewOrganization, admin_client: Client, term: str) -> None:
    assert find(admin_client, term) == []


def test_the_search_finds_only_records_that_the_user_may_view(acme: NewOrganization, client: Client) -> None:
    make_import(creator=acme.person)
    assert find(log_in_staff(codename="view_company"), "acme") == [url_of(acme.person.company)]
    assert client.get("/admin/search/", {"s": "acme"}).status_code == 302


def test_markup_in_search_results_is_escaped(admin_client: Client) -> None:
    make_organization(name=SCRIPT, email="evil@evil.test", first_name=SCRIPT)
    response = admin_client.get("/admin/search/", {"s": "script", "extended": "1"})
    assert "&lt;script&gt;" in response.content.decode()
    assert SCRIPT not in response.content.decode()


@pytest.mark.parametrize("page", ["/admin/login/", "/admin/", "/admin/imports/import/", "/admin/people/person/add/"])
def test_a_page_loads_files_only_from_this_server(admin_client: Client, page: str) -> None:
    client = Client() if "login" in page else admin_client
    loaded = re.findall(r'<(?:script|img|link)[^>]* (?:src|href)="(.*?)"', read(client, page))
    assert len(loaded) > 5
    for url in loaded:
        if url != "/admin/jsi18n/":
            assert url.startswith("/static/")
            assert finders.find(url.removeprefix("/static/"))


def test_no_style_sheet_loads_files_from_another_server() -> None:
    sheets = list((Path(unfold.__file__).parent / "static").rglob("*.css"))
    assert len(sheets) >= 4
    for sheet in sheets:
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", sheet.read_text())


def test_logging_in_leads_to_the_home_page(client: Client) -> None:
    User.objects.create_user("staff", password="staff", is_staff=True)
    response = client.post("/admin/login/", {"username": "staff", "password": "staff"})
    assert (response.status_code, response["Location"]) == (302, "/admin/")
