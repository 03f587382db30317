"""Operators look at imports in the admin. They can be reverted there, see test_admin_revert.py, and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from companies.models import Company
from importsvc.imports import previews
from importsvc.imports.actors import Actor
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import create_import, revert_import
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import (
    SCRIPT,
    admin_user,  # noqa: F401 - who admin_client is
    import_rows,
    log_in_staff,
    read,
    url_of,
)
from tests.builders import PUBLISHED_ROWS, make_import, make_organization, make_person

pytestmark = pytest.mark.django_db

LIST = "/admin/imports/import/"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"


def cells_of(page: str, column: str) -> list[str]:
    """What the list shows in a column, from top to bottom."""
    return re.findall(rf'<td[^>]* data-label="{column}">(.*?)</td>', page)


def rows_of(client: Client, query: dict[str, Any]) -> list[int]:
    """The ids of the imports that the list shows."""
    response = client.get(LIST, query)
    assert response.status_code == 200
    return [import_.pk for import_ in response.context["cl"].result_list]


def test_the_list_says_what_each_import_made(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    make_import(creator=acme.person)
    page = read(admin_client, LIST)
    assert cells_of(page, "made") == ["–", "created 1 company, 1 person"]
    assert f'<a class="text-link" href="/admin/people/person/{acme.person.pk}/change/">Ada Lovelace</a>' in page
    assert re.search(rf'<a href="{url_of(import_)}"[^>]*>{import_.pk}</a>', page)


def test_the_list_asks_the_same_queries_however_many_imports(
    acme: NewOrganization, admin_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    import_rows(acme, PUBLISHED_ROWS)
    for shown in (1, 26):
        # 1. the session, 2. its user, 3. how many imports, 4. those of the page with organization, creator and the
        # size of what is staged
        with django_assert_num_queries(4) as queries:
            assert len(rows_of(admin_client, {})) == shown
        asked = " ".join(query["sql"] for query in queries.captured_queries)
        assert "imports_change" not in asked
        assert "import_data" not in asked.replace('octet_length("imports_import"."import_data")', "")
        for number in range(25):
            make_import(creator=make_organization(name=f"Organization{shown}-{number}").person)


def test_the_list_can_be_filtered_and_searched(acme: NewOrganization, admin_client: Client) -> None:
    globex = make_organization()
    created = make_import(creator=acme.person, sample=True)
    processed = make_import(creator=acme.person, state=ImportState.PROCESSED, sample=False)
    reverted = make_import(creator=globex.person, state=ImportState.REVERTED)

    assert rows_of(admin_client, {}) == [reverted.pk, processed.pk, created.pk]
    assert rows_of(admin_client, {"state": "created"}) == [created.pk]
    assert rows_of(admin_client, {"state": "processed"}) == [processed.pk]
    assert rows_of(admin_client, {"state": "reverted"}) == [reverted.pk]
    assert len(rows_of(admin_client, {"state": "nonsense"})) == 3
    assert rows_of(admin_client, {"sample__exact": "1"}) == [created.pk]
    assert rows_of(admin_client, {"organization__id__exact": globex.organization.pk}) == [reverted.pk]
    for term in ("hank", "boss@GLOBEX", str(reverted.pk)):
        assert rows_of(admin_client, {"q": term}) == [reverted.pk]
    assert rows_of(admin_client, {"q": "lovelace"}) == [processed.pk, created.pk]


def test_a_page_shows_the_journal_and_links_to_records_that_are_left(
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


def fields_of(page: str) -> dict[str, str]:
    """What an import's page says of it, by label."""
    pairs = re.findall(r'<label class="block[^>]*>([^<]*)</label> </div>.*?<div class="readonly[^>]*>(.*?)</div>', page)
    return {label: re.sub("<.*?>", "", value).strip() for label, value in pairs}


def journal_of(page: str) -> list[list[str]]:
    """The cells of the journal on an import's page, below the headers."""
    section = page.partition('id="journal"')[2].partition("</section>")[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", section)]
    return [[re.sub("<a .*?>|</a>", "", cell).strip() for cell in row] for row in rows]


def update_ann(caller: NewOrganization) -> Import:
    """An import of people: one is updated, one is as she was already, and two are made."""
    for name in ("Ann", "Eve"):
        make_person(
            organization=caller.organization, first_name=name, email=f"{name.lower()}@acme.test", title="Before"
        )
    rows = [
        {"first_name": "Ann", "email": "ann@acme.test", "title": SCRIPT, "last_name": ""},
        {"first_name": "Eve", "email": "eve@acme.test"},
        {"first_name": "Bob"},
        {"first_name": "Cid"},
    ]
    return import_rows(caller, {"person": rows, "company": []}, on_duplicate="update")


def test_a_page_says_what_became_of_the_rows(acme: NewOrganization, admin_client: Client) -> None:
    import_ = update_ann(acme)
    page = fields_of(read(admin_client, url_of(import_)))
    assert {name: page[name] for name in ("On duplicate", "Counts")} == {
        "On duplicate": "Update",
        "Counts": "created 2 people; updated 1 person; unchanged 1 person",
    }


def test_a_page_of_what_was_not_run_or_by_an_older_version_leaves_that_open(
    acme: NewOrganization, admin_client: Client
) -> None:
    for state in ImportState:
        page = fields_of(read(admin_client, url_of(make_import(creator=acme.person, state=state))))
        assert page["Counts"] == "-"


def test_the_journal_shows_what_updates_replaced_and_what_a_revert_made_of_it(
    acme: NewOrganization, admin_client: Client
) -> None:
    import_ = update_ann(acme)
    headers = ["Type", "Row", "Action", "Record", "Before", "After"]
    ann = ["person", "1", "updated", "Ann", "title: Before<br>", f"title: {ESCAPED}<br>"]
    bob = ["person", "3", "created", "Bob", "", "first_name: Bob<br>"]
    cid = ["person", "4", "created", "Cid", "", "first_name: Cid<br>"]
    assert journal_of(read(admin_client, url_of(import_))) == [headers, ann, bob, cid]

    Person.objects.filter(first_name__in=["Ann", "Bob"]).update(title="Edited", last_name="X")
    revert_import(organization=acme.organization, import_id=import_.pk, on_conflict="keep")

    gone = f"{import_.changes.get(row=4).record_id}, gone"
    assert journal_of(read(admin_client, url_of(import_))) == [
        [*headers, "Reverted"],
        [*ann[:3], "Ann X", *ann[4:], "kept: title"],
        [*bob[:3], "Bob X", *bob[4:], "kept: last_name, title"],
        [*cid[:3], gone, *cid[4:], "removed"],
    ]


def test_the_journal_of_a_revert_tells_what_was_restored_from_what_was_gone(
    acme: NewOrganization, admin_client: Client
) -> None:
    import_ = update_ann(acme)
    Person.objects.get(first_name="Bob").delete()
    revert_import(organization=acme.organization, import_id=import_.pk)
    outcomes = [row[-1] for row in journal_of(read(admin_client, url_of(import_)))]
    assert outcomes == ["Reverted", "restored", "gone", "removed"]


def test_records_are_linked_only_for_those_who_may_see_them(acme: NewOrganization) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    page = read(log_in_staff(codename="view_import"), url_of(import_))
    assert "<td>John Doe</td>" in page
    assert "/admin/people/person/" not in page.partition('id="journal"')[2]


def test_the_journal_is_paged(
    acme: NewOrganization, admin_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    people = [{"first_name": f"Person{number}"} for number in range(1, 121)]
    import_ = import_rows(acme, {"company": [{"name": "First of all"}], "person": people})
    admin_client.get(url_of(import_))

    # 1. the session, 2. its user, 3. the import with organization, creator and what it made, 4. a page of its journal,
    # 5.–6. the records of that page, a query for each type, 7. the beginning of what is staged
    with django_assert_num_queries(7):
        first = read(admin_client, url_of(import_))
    last = read(admin_client, f"{url_of(import_)}?journal_page=3")

    def journal(page: str) -> str:
        return page.partition('id="journal"')[2].partition("</section>")[0]

    # An older version kept no counts: the journal is counted.
    Import.objects.filter(pk=import_.pk).update(counts=None)
    with django_assert_num_queries(8):
        assert journal(read(admin_client, url_of(import_))) == journal(first)

    assert '<b>1</b> <a href="?journal_page=2#journal">2</a> <a href="?journal_page=3#journal">3</a>' in first
    assert "first_name: Person49<br>" in journal(first)
    assert "first_name: Person50<br>" not in journal(first)
    assert "first_name: Person120<br>" in journal(last)
    assert journal(read(admin_client, f"{url_of(import_)}?journal_page=99")) == journal(last)
    assert journal(read(admin_client, f"{url_of(import_)}?journal_page=x")) == journal(first)


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


def test_markup_is_shown_as_text(acme: NewOrganization, admin_client: Client) -> None:
    evil = make_organization(name=SCRIPT, email="evil@evil.test", first_name=SCRIPT)
    company = f"{SCRIPT} and sons"
    rows = {"company": [{"name": company}], "person": [{"first_name": SCRIPT, "title": SCRIPT, "company": company}]}
    import_ = import_rows(evil, rows)

    for page in (LIST, url_of(import_), url_of(import_, "revert")):
        content = read(admin_client, page)
        assert SCRIPT not in content
        assert ESCAPED in content


def test_imports_cannot_be_added_edited_or_deleted(acme: NewOrganization, admin_client: Client) -> None:
    import_ = make_import(creator=acme.person)
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}add/", {}).status_code == 403
    assert admin_client.post(url_of(import_), {"sample": "on"}).status_code == 403
    assert admin_client.post(f"{LIST}{import_.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in read(admin_client, LIST)
    page = read(admin_client, url_of(import_))
    assert 'type="submit"' not in page.partition('id="import_form"')[2].partition("</form>")[0]
    assert 'name="_save"' not in page


def test_a_page_tells_who_did_what_and_when_and_what_is_yet_to_come(
    acme: NewOrganization, admin_client: Client
) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)

    def steps() -> list[str]:
        timeline = read(admin_client, url_of(import_)).partition('class="import-timeline"')[2].partition("</ol>")[0]
        return [" ".join(re.sub("<[^>]*>", " ", step).split()) for step in timeline.split("<li")[1:]]

    created, started, processed, reverted = steps()
    assert created.endswith("UTC by Ada Lovelace")
    assert started.endswith(f"UTC by Ada Lovelace (person {acme.person.pk})")
    assert processed.endswith("UTC")
    assert reverted == "> Reverted not yet"
    revert_import(organization=acme.organization, import_id=import_.pk, actor=Actor("staff", "admin", 1))
    assert steps()[3].endswith("UTC by staff admin")
    for actor, words in (
        (Actor("operator", "root"), "operator root"),
        (Actor("operator", SCRIPT), f"operator {ESCAPED}"),
    ):
        Import.objects.filter(pk=import_.pk).update(reverted_by=actor.to_json())
        assert steps()[3].endswith(f"UTC by {words}")
    Import.objects.filter(pk=import_.pk).update(reverted_by=None, processed_by=None)
    assert steps()[1].endswith("UTC")
    assert steps()[3].endswith("UTC")


def test_what_would_stand_in_the_way_of_a_revert_is_told_when_asked_for(
    acme: NewOrganization, admin_client: Client
) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    url = url_of(import_)

    def conflicts() -> str:
        return read(admin_client, f"{url}?conflicts=1").partition('id="conflicts"')[2].partition("</section>")[0]

    assert "Nothing." in conflicts()
    Person.objects.filter(first_name="John").update(title=SCRIPT)
    assert f"changed since: title from &quot;Contact&quot; to &quot;{ESCAPED}&quot;" in conflicts()
    assert 'id="conflicts"' not in read(admin_client, url)
    assert 'href="?conflicts=1#conflicts"' in read(admin_client, url)
    revert_import(organization=acme.organization, import_id=import_.pk, on_conflict="discard")
    assert "The import is in state &#x27;reverted&#x27; and cannot be reverted" in conflicts()
