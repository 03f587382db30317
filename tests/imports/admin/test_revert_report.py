"""The result of a revert stays on the page of the import, and is downloaded as a report for the customer."""

from __future__ import annotations

import csv
import re
from typing import Any

import pytest
from django.test import Client

from companies.models import Company
from importsvc.imports.actors import Actor
from importsvc.imports.admin import revert_report
from importsvc.imports.models import Import
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import log_in_staff, read, url_of
from tests.builders import make_company, make_person
from tests.imports.steps import import_rows, revert

pytestmark = pytest.mark.django_db

HEADERS = ["type", "row", "id", "name", "field", "before", "after", "outcome"]
STAFF = Actor("staff", "dana", 7)


def import_mixed(caller: NewOrganization) -> Import:
    """An import that creates a company and a person and updates two people, of whom one is edited and one deleted."""
    old = make_company(organization=caller.organization, name="Old")
    for name in ("Ann", "Eve"):
        make_person(
            organization=caller.organization,
            first_name=name,
            email=f"{name.lower()}@acme.test",
            title="Before",
            company=old,
        )
    ann = {"first_name": "Ann", "last_name": "New", "email": "ann@acme.test", "title": "=1+1", "company": "Reds"}
    eve = {"first_name": "Eve", "email": "eve@acme.test", "title": "Made"}
    bob = {"first_name": "Bob", "tag_list": "b, a", "company": "Reds", "custom_fields": {"b": 1, "a": None}}
    import_ = import_rows(caller, {"company": [{"name": "Reds"}], "person": [eve, bob, ann]}, on_duplicate="update")
    Person.objects.filter(first_name="Ann").update(title="Edited")
    Person.objects.get(first_name="Eve").delete()
    return import_


def report_of(client: Client, import_: Import) -> list[list[str]]:
    response: Any = client.get(url_of(import_, "revert_report"))
    assert response.status_code == 200
    assert response.headers["Content-Disposition"] == f'attachment; filename="import-{import_.pk}-revert.csv"'
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(b"".join(response.streaming_content).decode().splitlines()))


def result_of(client: Client, import_: Import) -> str:
    """The text of the result on the import's page; empty if there is none."""
    section = read(client, url_of(import_)).partition('id="revert-result"')[2].partition("</section>")[0]
    return " ".join(re.sub("<[^>]*>", " ", section.partition(">")[2]).split())


@pytest.mark.parametrize("at_once", [1, 2_000])
def test_the_report_has_a_line_for_each_value_in_row_order(
    acme: NewOrganization, admin_client: Client, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(revert_report, "CHANGES_AT_ONCE", at_once)
    import_ = import_mixed(acme)
    ids = {change.row: str(change.record_id) for change in import_.changes.filter(record_type="person")}
    reds = str(Company.objects.get(name="Reds").pk)
    revert(import_, on_conflict="keep")

    eve, bob, ann = (
        ["person", "1", ids[1], f"person {ids[1]}"],
        ["person", "2", ids[2], "Bob"],
        ["person", "3", ids[3], "Ann"],
    )
    assert report_of(admin_client, import_) == [
        HEADERS,
        ["company", "1", reds, "Reds", "Name", "", "Reds", "removed"],
        ["company", "1", reds, "Reds", "Default currency", "", "USD", "removed"],
        [*eve, "Title", "Before", "Made", "gone"],
        [*bob, "First name", "", "Bob", "removed"],
        [*bob, "Tag list", "", "b, a", "removed"],
        [*bob, "Custom fields", "", '{"a": null, "b": 1}', "removed"],
        [*bob, "Company", "", "Reds", "removed"],
        [*ann, "Last name", "", "New", "restored"],
        [*ann, "Title", "Before", "'=1+1", "kept"],
        [*ann, "Company", "Old", "Reds", "restored"],
    ]


def test_the_page_keeps_when_by_whom_how_and_how_many(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_mixed(acme)
    assert result_of(admin_client, import_) == ""

    revert(import_, on_conflict="keep", actor=STAFF)

    import_.refresh_from_db()
    assert result_of(admin_client, import_) == (
        f"What the revert did Download report (CSV) Reverted {import_.reverted_at:%Y-%m-%d %H:%M:%S} UTC"
        " by staff dana . Conflicts: Keep later edits; undo everything else."
        " Records Removed Restored Kept Gone Companies 1 0 0 0 People 1 0 1 1"
    )


def test_a_revert_before_results_were_stored_has_a_report_without_numbers(
    acme: NewOrganization, admin_client: Client
) -> None:
    import_ = import_mixed(acme)
    revert(import_, on_conflict="keep")
    Import.objects.update(revert_counts=None, reverted_with=None, reverted_by=None)

    import_.refresh_from_db()
    assert result_of(admin_client, import_) == (
        f"What the revert did Download report (CSV) Reverted {import_.reverted_at:%Y-%m-%d %H:%M:%S} UTC."
    )


def test_a_pruned_import_keeps_the_numbers_and_has_no_report(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, {"person": [{"first_name": "Ann"}]})
    revert(import_)
    Import.objects.update(pruned_at=import_.created_at)

    text = result_of(admin_client, import_)

    assert text.endswith("Conflicts: Revert only without conflicts. Records Removed Restored Kept Gone People 1 0 0 0")
    assert "Download" not in text


@pytest.mark.parametrize("what", ["revert_report", "conflicts"])
def test_files_about_reverts_need_permission_to_view_imports(
    acme: NewOrganization, client: Client, admin_client: Client, what: str
) -> None:
    import_ = import_rows(acme, {"person": [{"first_name": "Ann"}]})
    if what == "revert_report":
        revert(import_)

    assert client.get(url_of(import_, what)).status_code == 302  # to log in
    assert log_in_staff(codename="view_person").get(url_of(import_, what)).status_code == 403
    assert admin_client.get(url_of(import_, what)).status_code == 200
    assert admin_client.get(url_of(import_, what).replace(f"/{import_.pk}/", f"/{2**62}/")).status_code == 404


def test_an_import_that_was_not_reverted_has_no_report(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, {"person": [{"first_name": "Ann"}]})
    assert admin_client.get(url_of(import_, "revert_report")).status_code == 404


def test_conflicts_of_a_reverted_import_are_refused_on_its_page(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, {"person": [{"first_name": "Ann"}]})
    revert(import_)

    response: Any = admin_client.get(url_of(import_, "conflicts"), follow=True)

    assert response.redirect_chain == [(url_of(import_), 302)]
    assert [str(message) for message in response.context["messages"]] == [
        "The import is in state 'reverted' and cannot be reverted"
    ]
