"""The history page of a person or a company shows imports, their reverts, and edits by staff, the latest first."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from importsvc.imports.services import revert_import
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import ESCAPED, SCRIPT, log_in_staff, read, save, url_of
from tests.imports.steps import import_rows

pytestmark = pytest.mark.django_db


def events_of(page: str) -> list[list[str]]:
    """The texts of each event on the page, without its time."""
    items = re.findall("<li>(.*?)</li>", page.partition('class="record-history"')[2].partition("</ol>")[0])
    texts = [[text.strip() for text in re.split("<[^a/][^>]*>|</[^a][^>]*>", item) if text.strip()] for item in items]
    return [[re.sub("</?a[^>]*>", "", text) for text in of if " UTC" not in text] for of in texts]


def test_imports_reverts_and_edits_are_listed_together(acme: NewOrganization, admin_client: Client) -> None:
    made = import_rows(acme, {"person": [{"first_name": "Ann", "email": "ann@acme.test", "title": SCRIPT}]})
    ann = Person.objects.get(email="ann@acme.test")
    rows = {
        "company": [{"name": "Reds"}],
        "person": [{"email": "ann@acme.test", "title": "Boss", "company": "Reds"}],
    }
    updated = import_rows(acme, rows, on_duplicate="update")
    assert save(admin_client, ann, last_name="Lee") == {}
    revert_import(organization=acme.organization, import_id=updated.pk)

    ada = ("Ada Lovelace", f"(person {acme.person.pk})")
    page = read(admin_client, url_of(ann, "history"))
    head = ["Field", "Before", "After"]
    assert events_of(page) == [
        [f"Restored by the revert of import {updated.pk}", *head, "Title", "Boss", ESCAPED, "Company", "Reds", "–"],
        ["Changed Last name.", "admin"],
        [f"Updated by import {updated.pk}", *ada, *head, "Title", ESCAPED, "Boss", "Company", "–", "Reds"],
        [
            *[f"Created by import {made.pk}", ada[0], f"{ada[1]} · Revert import {made.pk}…", *head],
            *["First name", "–", "Ann", "Email", "–", "ann@acme.test", "Title", "–", ESCAPED],
        ],
    ]
    assert "by staff <bdi>admin</bdi>" in page
    assert f'<a href="{url_of(made)}">import {made.pk}</a>' in page
    assert f'<a href="{url_of(made, "revert")}">Revert import {made.pk}…</a>' in page


def test_a_record_without_a_history_says_so(acme: NewOrganization, admin_client: Client) -> None:
    page = read(admin_client, url_of(acme.person, "history"))
    assert "No import and no form has written this person, as far as is stored." in page


def test_staff_that_may_not_view_imports_see_their_ids_without_links(acme: NewOrganization) -> None:
    import_ = import_rows(acme, {"person": [{"first_name": "Ann"}]})
    client = log_in_staff(codename="view_person")

    page = read(client, url_of(Person.objects.get(first_name="Ann"), "history"))

    assert events_of(page)[0][0] == f"Created by import {import_.pk}"
    assert url_of(import_) not in page


def test_staff_that_may_not_view_people_see_no_history(acme: NewOrganization) -> None:
    assert log_in_staff(codename="view_company").get(url_of(acme.person, "history")).status_code == 403


def test_the_list_of_imports_is_searched_by_the_records_that_they_wrote(
    acme: NewOrganization, admin_client: Client
) -> None:
    found = import_rows(
        acme, {"person": [{"first_name": "Ann", "email": "ann@acme.test"}], "company": [{"name": "Reds"}]}
    )
    import_rows(acme, {"person": [{"first_name": "Bob", "email": "bob@acme.test"}]})

    for term in ("ANN@acme.test", " reds "):
        response = admin_client.get("/admin/imports/import/", {"q": term})
        assert [import_.pk for import_ in response.context["cl"].result_list] == [found.pk]
