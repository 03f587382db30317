"""An import's page shows its changes: new values, previous values and the outcome of a revert."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from companies.models import Company
from importsvc.imports.services import revert_import
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import (
    ESCAPED,
    log_in_staff,
    read,
    update_ann,
    url_of,
)
from tests.builders import PUBLISHED_ROWS
from tests.imports.steps import import_rows

pytestmark = pytest.mark.django_db


def change_log_of(page: str) -> list[list[str]]:
    """The cells of the change log on an import's page, below the headers."""
    section = page.partition('id="changes"')[2].partition("</section>")[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", section)]
    return [[re.sub("<a .*?>|</a>", "", cell).strip() for cell in row] for row in rows]


def test_the_page_shows_the_change_log_with_links_to_existing_records(
    acme: NewOrganization, admin_client: Client
) -> None:
    import_ = import_rows(acme, {"company": [{"name": "Left"}, {"name": "Deleted"}]})
    left, deleted = Company.objects.filter(name__in=["Left", "Deleted"]).order_by("id")
    gone = deleted.pk
    deleted.delete()

    page = read(admin_client, url_of(import_))

    assert f'<td><a href="/admin/companies/company/{left.pk}/change/">Left</a></td>' in page
    assert f"<td>{gone}, gone</td>" in page
    assert "name: Deleted<br>" in page


def test_the_change_log_shows_replaced_values_and_the_outcomes_of_a_revert(
    acme: NewOrganization, admin_client: Client
) -> None:
    import_ = update_ann(acme)
    headers = ["Type", "Row", "Action", "Record", "Before", "After"]
    ann = ["person", "1", "updated", "Ann", "title: Before<br>", f"title: {ESCAPED}<br>"]
    bob = ["person", "3", "created", "Bob", "", "first_name: Bob<br>"]
    cid = ["person", "4", "created", "Cid", "", "first_name: Cid<br>"]
    assert change_log_of(read(admin_client, url_of(import_))) == [headers, ann, bob, cid]

    Person.objects.filter(first_name__in=["Ann", "Bob"]).update(title="Edited", last_name="X")
    revert_import(organization=acme.organization, import_id=import_.pk, on_conflict="keep")

    gone = f"{import_.changes.get(row=4).record_id}, gone"
    assert change_log_of(read(admin_client, url_of(import_))) == [
        [*headers, "Reverted"],
        [*ann[:3], "Ann X", *ann[4:], "kept: title"],
        [*bob[:3], "Bob X", *bob[4:], "kept: last_name, title"],
        [*cid[:3], gone, *cid[4:], "removed"],
    ]


def test_the_change_log_of_a_revert_distinguishes_restored_records_from_missing_ones(
    acme: NewOrganization, admin_client: Client
) -> None:
    import_ = update_ann(acme)
    Person.objects.get(first_name="Bob").delete()
    revert_import(organization=acme.organization, import_id=import_.pk)
    outcomes = [row[-1] for row in change_log_of(read(admin_client, url_of(import_)))]
    assert outcomes == ["Reverted", "restored", "gone", "removed"]


def test_records_are_linked_only_with_permission_to_view_them(acme: NewOrganization) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    page = read(log_in_staff(codename="view_import"), url_of(import_))
    assert "<td>John Doe</td>" in page
    assert "/admin/people/person/" not in page.partition('id="changes"')[2]


def test_the_change_log_is_paged(
    acme: NewOrganization, admin_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    people = [{"first_name": f"Person{number}"} for number in range(1, 121)]
    import_ = import_rows(acme, {"company": [{"name": "First of all"}], "person": people})
    admin_client.get(url_of(import_))

    # 1. the session, 2. its user, 3. the import with organization, creator and what it made, 4. whether it is running,
    # 5. a page of its changes, 6.–7. the records of that page, a query for each type, 8. the types that are staged,
    # 9.–10. a page of each, 11. whether there are operations
    with django_assert_num_queries(11):
        first = read(admin_client, url_of(import_))
    last = read(admin_client, f"{url_of(import_)}?changes_page=3")

    def changes_of(page: str) -> str:
        return page.partition('id="changes"')[2].partition("</section>")[0]

    assert '<b>1</b> <a href="?changes_page=2#changes">2</a> <a href="?changes_page=3#changes">3</a>' in first
    assert "first_name: Person49<br>" in changes_of(first)
    assert "first_name: Person50<br>" not in changes_of(first)
    assert "first_name: Person120<br>" in changes_of(last)
    assert changes_of(read(admin_client, f"{url_of(import_)}?changes_page=99")) == changes_of(last)
    assert changes_of(read(admin_client, f"{url_of(import_)}?changes_page=x")) == changes_of(first)
