"""An import's page shows its changes: searched and filtered, with the values before, after and now."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from companies.models import Company
from importsvc.imports.admin import changes
from importsvc.imports.models import Import
from importsvc.imports.services import revert_import
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import ESCAPED, log_in_staff, read, update_ann, url_of
from tests.builders import PUBLISHED_ROWS, make_company, make_organization, make_person
from tests.imports.steps import import_rows

pytestmark = pytest.mark.django_db

HEADERS = ["Field", "Before", "After", "Now"]
ALL = '<a href="?#changes">All changes</a>'


def section_of(page: str) -> str:
    return page.partition('id="changes"')[2].partition("</section>")[0]


def change_log_of(page: str) -> list[list[str]]:
    """The cells of the change log on an import's page, with * around what is marked."""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", section_of(page))
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    return [[" ".join(re.sub("<[^>]*>", "", re.sub("</?mark>", "*", cell)).split()) for cell in row] for row in cells]


def found(client: Client, import_: Import, **query: str) -> list[str]:
    """The names of the records whose changes the page shows for this search."""
    url = url_of(import_)
    response = client.get(url, {f"changes-{name}": value for name, value in query.items()})
    assert response.status_code == 200
    page = section_of(" ".join(response.content.decode().split()))
    return re.findall(r'class="name">(?:<a [^>]*>)?<bdi[^>]*>(.*?)</bdi>', page)


def test_the_page_shows_the_change_log_with_links_to_existing_records(
    acme: NewOrganization, admin_client: Client
) -> None:
    import_ = import_rows(acme, {"company": [{"name": "Left"}, {"name": "Deleted"}]})
    left, deleted = Company.objects.filter(name__in=["Left", "Deleted"]).order_by("id")
    gone = deleted.pk
    deleted.delete()

    page = read(admin_client, url_of(import_))

    assert f'<a href="/admin/companies/company/{left.pk}/change/" title="Left"><bdi>Left</bdi></a>' in page
    assert change_log_of(page) == [
        HEADERS,
        [f"Left company {left.pk}, row 1 created"],
        ["Name", "–", "Left", "Left"],
        ["Default currency", "–", "USD", "USD"],
        [f"Deleted company {gone}, gone, row 2 created"],
        ["Name", "–", "Deleted", "–"],
        ["Default currency", "–", "USD", "–"],
    ]


def test_the_change_log_marks_differences_and_later_edits_and_has_the_outcomes_of_a_revert(
    acme: NewOrganization, admin_client: Client
) -> None:
    import_ = update_ann(acme)
    ann, bob, cid = (import_.changes.get(row=row).record_id for row in (1, 3, 4))

    assert change_log_of(read(admin_client, url_of(import_))) == [
        HEADERS,
        [f"Ann ann@acme.test person {ann}, row 1 updated"],
        ["Title", "*Before*", f"*{ESCAPED}*", ESCAPED],
        [f"Bob person {bob}, row 3 created"],
        ["First name", "–", "Bob", "Bob"],
        [f"Cid person {cid}, row 4 created"],
        ["First name", "–", "Cid", "Cid"],
    ]

    Person.objects.filter(first_name__in=["Ann", "Bob"]).update(title="Edited", last_name="X")
    Person.objects.filter(first_name="Bob").update(first_name="Rob")
    assert change_log_of(read(admin_client, url_of(import_)))[2:5] == [
        ["Title", "*Before*", f"*{ESCAPED}*", "*Edited*"],
        [f"Rob X person {bob}, row 3 created"],
        ["First name", "–", "Bob", "*Rob*"],
    ]

    revert_import(organization=acme.organization, import_id=import_.pk, on_conflict="keep")
    assert change_log_of(read(admin_client, url_of(import_))) == [
        HEADERS,
        [f"Ann X ann@acme.test person {ann}, row 1 updated, kept: Title"],
        ["Title", "*Before*", f"*{ESCAPED}*", "*Edited*"],
        [f"Rob X person {bob}, row 3 created, kept: First name, Last name, Title"],
        ["First name", "–", "Bob", "*Rob*"],
        [f"Cid person {cid}, gone, row 4 created, removed"],
        ["First name", "–", "Cid", "–"],
    ]


def test_fields_are_in_the_order_of_the_type_and_references_are_names(
    acme: NewOrganization, admin_client: Client
) -> None:
    old = make_company(organization=acme.organization, name="Adriatic Ceramics")
    ann = make_person(organization=acme.organization, first_name="Ann", email="ann@acme.test", company=old)
    row = {"email": "ann@acme.test", "company": "Adriatic Tiles", "tag_list": "b", "last_name": "Lee"}
    import_ = import_rows(acme, {"company": [{"name": "Adriatic Tiles"}], "person": [row]}, on_duplicate="update")
    revert_import(organization=acme.organization, import_id=import_.pk)

    # The company that the import made no longer exists; its name is that of the import.
    assert change_log_of(read(admin_client, url_of(import_)))[4:] == [
        [f"Ann ann@acme.test person {ann.pk}, row 1 updated, restored"],
        ["Last name", "–", "Lee", "–"],
        ["Tag list", "–", "b", "–"],
        ["Company", "Adriatic *Ceramics*", "Adriatic *Tiles*", "Adriatic Ceramics"],
    ]


def test_the_change_log_of_a_revert_distinguishes_restored_records_from_missing_ones(
    acme: NewOrganization, admin_client: Client
) -> None:
    import_ = update_ann(acme)
    Person.objects.get(first_name="Bob").delete()
    revert_import(organization=acme.organization, import_id=import_.pk)
    rows = change_log_of(read(admin_client, url_of(import_)))
    assert [row[0].rpartition(" ")[2] for row in rows if len(row) == 1] == ["restored", "gone", "removed"]


def test_records_are_linked_only_with_permission_to_view_them(acme: NewOrganization) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    page = section_of(read(log_in_staff(codename="view_import"), url_of(import_)))
    assert '<bdi title="John Doe">John Doe</bdi>' in page
    assert "/admin/people/person/" not in page


@pytest.fixture
def mixed(acme: NewOrganization) -> Import:
    """An import that created two companies and a person and updated another, who was renamed since.

    No id of theirs is the number of a row: a search for a number finds both.
    """
    with connection.cursor() as cursor:
        for table in ("companies_company", "people_person"):
            cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, 9)", [table])
    make_person(organization=acme.organization, first_name="Ann", email="ann@acme.test", title="Boss")
    rows = {
        "company": [{"name": "Reds"}, {"name": "100% Blues"}],
        "person": [
            {"first_name": "Bob", "last_name": "Grant", "tag_list": "vip, Zürich"},
            {"email": "ann@acme.test", "title": "Chief"},
        ],
    }
    import_ = import_rows(acme, rows, on_duplicate="update")
    Person.objects.filter(first_name="Ann").update(last_name="Renamed")
    return import_


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["Reds", "100% Blues", "Ann Renamed", "Bob Grant"]),
        ({"type": "company"}, ["Reds", "100% Blues"]),
        ({"action": "updated"}, ["Ann Renamed"]),
        ({"field": "person.title"}, ["Ann Renamed"]),
        ({"field": "company.name"}, ["Reds", "100% Blues"]),
        ({"type": "person", "action": "created"}, ["Bob Grant"]),
        ({"search": "grant BOB"}, ["Bob Grant"]),
        ({"search": "zürich"}, ["Bob Grant"]),
        ({"search": "chief"}, ["Ann Renamed"]),
        ({"search": "renamed"}, ["Ann Renamed"]),  # by its record, not by the change log
        ({"search": "ANN@acme.test"}, ["Ann Renamed"]),
        ({"search": "reds"}, ["Reds"]),
        ({"search": "2"}, ["100% Blues", "Ann Renamed"]),  # by row
        ({"search": "100%"}, ["100% Blues"]),
        ({"search": "first_name"}, []),
        ({"search": ".*"}, []),
        ({"search": '"\\) '}, []),
        ({"search": "\x00"}, ["Reds", "100% Blues", "Ann Renamed", "Bob Grant"]),
        ({"type": "unknown", "action": "x", "field": "person.x"}, ["Reds", "100% Blues", "Ann Renamed", "Bob Grant"]),
    ],
)
def test_changes_are_searched_and_filtered(
    admin_client: Client, mixed: Import, query: dict[str, str], expected: list[str]
) -> None:
    assert found(admin_client, mixed, **query) == expected


def test_the_search_says_what_it_searched_and_leads_back(admin_client: Client, mixed: Import) -> None:
    page = section_of(read(admin_client, f"{url_of(mixed)}?changes-search=Reds&changes-type=company"))
    assert 'name="changes-search" value="Reds"' in page
    assert '<option value="company" selected>Companies</option>' in page
    assert f"Found among 2 companies, 2 people. {ALL}" in page
    nothing = section_of(read(admin_client, f"{url_of(mixed)}?changes-search=Nobody"))
    assert f"No change is found. {ALL}" in nothing
    assert ALL not in section_of(read(admin_client, url_of(mixed)))


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [("removed", ["100% Blues", "Bob Grant"]), ("restored", []), ("kept", ["Ann Renamed"]), ("gone", ["Reds"])],
)
def test_changes_are_filtered_by_what_became_of_them(
    admin_client: Client, mixed: Import, outcome: str, expected: list[str]
) -> None:
    assert len(found(admin_client, mixed, outcome=outcome)) == 4  # there is no such filter before a revert
    Company.objects.get(name="Reds").delete()
    Person.objects.filter(first_name="Ann").update(title="Edited")
    revert_import(organization=mixed.organization, import_id=mixed.pk, on_conflict="keep")

    assert found(admin_client, mixed, outcome=outcome) == expected


def test_records_of_other_organizations_are_not_found(admin_client: Client, mixed: Import) -> None:
    other = make_organization()
    import_rows(other, {"person": [{"first_name": "Renamed", "email": "ann@acme.test"}]})

    assert found(admin_client, mixed, search="renamed") == ["Ann Renamed"]


def test_a_search_with_many_results_is_a_subquery(
    admin_client: Client, mixed: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "FOUND_RECORDS", 0)
    assert found(admin_client, mixed, search="renamed") == ["Ann Renamed"]


def test_the_change_log_is_paged(
    acme: NewOrganization, admin_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    people = [{"first_name": f"Person{number}", "company": "First of all"} for number in range(1, 121)]
    import_ = import_rows(acme, {"company": [{"name": "First of all"}], "person": people})
    admin_client.get(url_of(import_))

    # 1. the session, 2. its user, 3. the import with organization, creator and what it made, 4. whether it is running,
    # 5.–10. a page of its changes: for each type its chunks, the others counted, and those of the page, 11.–12. the
    # records of that page and those that they refer to, a query for each type, 13. the types that are staged, 14.–15. a
    # page of each, 16. whether there are operations
    with django_assert_num_queries(16):
        first = read(admin_client, url_of(import_))
    # Also what is found, the records with this key and those that the search of each list finds.
    with django_assert_num_queries(16):
        searched = read(admin_client, f"{url_of(import_)}?changes-search=Person")
    last = read(admin_client, f"{url_of(import_)}?changes_page=3")

    next_pages = '<a href="?changes_page=2#changes">2</a> <a href="?changes_page=3#changes">3</a>'
    assert f'<b aria-current="page">1</b> {next_pages}' in first
    assert "?changes-search=Person&amp;changes_page=2#changes" in searched
    assert "120 changes" in section_of(searched)
    assert "<bdi>Person49</bdi>" in section_of(first)
    assert "<bdi>Person50</bdi>" not in section_of(first)
    assert "<bdi>Person120</bdi>" in section_of(last)
    assert section_of(read(admin_client, f"{url_of(import_)}?changes_page=99")) == section_of(last)
    assert section_of(read(admin_client, f"{url_of(import_)}?changes_page=x")) == section_of(first)
