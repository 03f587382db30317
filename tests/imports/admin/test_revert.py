"""Operators revert an import in the admin on a page that shows what each choice would do."""

from __future__ import annotations

import csv
import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from companies.models import Company
from importsvc.imports.admin import revert_choices
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import revert_import
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import ESCAPED, SCRIPT, confirm, messages_of, read, url_of
from tests.builders import PUBLISHED_ROWS, make_person
from tests.imports.steps import import_rows
from tests.snapshots import take_snapshot

pytestmark = pytest.mark.django_db

LIST = "/admin/imports/import/"
MOVED = "not reverted: something has changed since it was shown to you. This is how it is now."
KEEP, DISCARD = "Keep later edits; undo everything else", "Undo everything; later edits are lost"


def ask(client: Client, import_: Import, **query: str) -> Any:
    """The page that reverts the import."""
    response = client.get(url_of(import_, "revert"), query)
    assert response.status_code == 200
    return response


def text_of(html: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", html).split())


def choices_of(response: Any) -> list[tuple[str, str, str]]:
    """Of each choice on the page: its title, with * if it is chosen, what it does, and the label of the button."""
    page = " ".join(response.content.decode().split())
    offered = re.findall(r'<div class="choice">(.*?)</div>', page)
    buttons = dict(re.findall(r'<span data-policy="(\w+)">(Revert [^<]*)</span>', page))
    found = []
    for choice in offered:
        title, does = re.findall(r'<(?:label [^>]*|span class="does")>(.*?)</', choice)
        (policy,) = re.findall(r' value="(\w+)"', choice)
        found.append((f"{'*' if ' checked' in choice else ''}{title}", does, buttons[policy]))
    return found


def conflicts_of(page: str) -> list[list[str]]:
    """The cells of the conflicts, row by row, without the headers."""
    section = page.partition('id="conflicts"')[2].partition("</section>")[0].partition("</thead>")[2]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", section)
    return [[text_of(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]


def import_update(caller: NewOrganization) -> Import:
    """An import that updated a person and created another; the title of both was edited since."""
    ann = {"first_name": "Ann", "email": "ann@acme.test"}
    make_person(organization=caller.organization, title="Before", last_name="Old", **ann)
    rows = {"person": [{**ann, "title": "Updated", "last_name": "New"}, {"first_name": "Bob", "title": "Made"}]}
    import_ = import_rows(caller, rows, on_duplicate="update")
    Person.objects.filter(first_name__in=["Ann", "Bob"]).update(title="Edited")
    return import_


def people() -> dict[str, tuple[str | None, str | None]]:
    """Last name and title of the people of ``import_update``, by first name."""
    found = Person.objects.filter(first_name__in=["Ann", "Bob"]).values_list("first_name", "last_name", "title")
    return {first_name: (last_name, title) for first_name, last_name, title in found}


def test_without_conflicts_there_is_one_button_and_no_choice(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    assert f'<a href="{url_of(import_, "revert")}"' in read(admin_client, url_of(import_))

    page = ask(admin_client, import_)

    text = text_of(page.content.decode())
    assert (
        "What it does Removes 1 company, 1 person. Nothing that the import wrote was changed since, and nothing else"
        f" refers to it. Revert import {import_.pk} Do not revert" in text
    )
    assert choices_of(page) == []
    assert Import.objects.get().state == ImportState.PROCESSED

    response = confirm(admin_client, page)
    assert response.redirect_chain == [(url_of(import_), 302)]
    assert messages_of(response) == [f"Import {import_.pk}: removed 1 company, 1 person"]
    assert Import.objects.get().state == ImportState.REVERTED
    assert not Person.objects.filter(first_name="John").exists()
    assert "Revert…" not in read(admin_client, url_of(import_))
    assert LogEntry.objects.get().get_change_message() == "Reverted: removed 1 company, 1 person"
    assert "Reverted: removed 1 company, 1 person" in read(admin_client, f"{LIST}{import_.pk}/history/")


def test_the_user_of_a_revert_is_stored_on_the_import(acme: NewOrganization, admin_client: Client) -> None:
    confirm(admin_client, ask(admin_client, import_rows(acme, PUBLISHED_ROWS)))
    admin = User.objects.get(username="admin")
    assert Import.objects.get().reverted_by == {"kind": "staff", "name": "admin", "id": admin.pk}


def test_the_page_says_what_each_choice_would_do(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_update(acme)
    revert = f"Revert import {import_.pk}"

    page = ask(admin_client, import_)

    keep = (f"*{KEEP}", "Keeps 2 people.", f"{revert}, keep 2 edits")
    discard = (DISCARD, "Removes 1 person; restores 1 person.", f"{revert}, discard 2 edits")
    assert choices_of(page) == [keep, discard]
    assert choices_of(ask(admin_client, import_, on_conflict="discard")) == [
        (KEEP, *keep[1:]),
        (f"*{DISCARD}", *discard[1:]),
    ]
    assert choices_of(ask(admin_client, import_, on_conflict="x")) == [keep, discard]


def test_a_record_that_is_only_referred_to_is_no_edit(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, {"company": [{"name": "Reds"}], "person": [{"first_name": "Ann"}]})
    make_person(organization=acme.organization, company=Company.objects.get(name="Reds"))

    choices = choices_of(ask(admin_client, import_))

    does, button = "Removes 1 person; keeps 1 company.", f"Revert import {import_.pk}, keep 1 company"
    assert choices == [(f"*{KEEP}", does, button), (DISCARD, does, button)]


def test_the_page_has_a_table_of_what_there_is_to_decide(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_update(acme)
    Person.objects.filter(first_name="Bob").update(title=SCRIPT, last_name="Ray")
    ann, bob = Person.objects.get(first_name="Ann"), Person.objects.get(first_name="Bob")

    page = read(admin_client, url_of(import_, "revert"))

    assert conflicts_of(page) == [
        [f"Ann New ann@acme.test person {ann.pk}, row 1 Title kept, the rest restored restored"],
        ["Title", "Before", "Updated", "Edited"],
        [f"Bob Ray person {bob.pk}, row 2 kept removed"],
        ["Last name", "–", "–", "Ray"],
        ["Title", "–", "Made", ESCAPED],
    ]
    assert f'<a href="{url_of(ann)}" title="Ann New"><bdi>Ann New</bdi></a>' in page
    assert SCRIPT not in page


def test_a_record_that_refers_to_another_is_shown_by_name(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    company = Company.objects.get(name="Import")
    contact = make_person(organization=acme.organization, company=company, first_name="Eve", last_name="Poe")

    page = read(admin_client, url_of(import_, "revert"))

    assert conflicts_of(page) == [
        [f"Import company {company.pk}, row 1 kept kept"],
        [f"Eve Poe (person {contact.pk}) refers to it"],
    ]
    assert f'<a href="{url_of(contact)}"><bdi>Eve Poe' in page


def test_a_value_that_cannot_be_restored_is_shown_with_the_reason(acme: NewOrganization, admin_client: Client) -> None:
    old = Company.objects.create(organization=acme.organization, name="Old")
    ann = make_person(organization=acme.organization, first_name="Ann", email="ann@acme.test", company=old)
    import_ = import_rows(
        acme,
        {"company": [{"name": "New"}], "person": [{"email": "ann@acme.test", "company": "New"}]},
        on_duplicate="update",
    )
    gone = old.pk
    old.delete()

    page = read(admin_client, url_of(import_, "revert"))

    assert conflicts_of(page) == [
        [f"New company {Company.objects.get(name='New').pk}, row 1 kept kept"],
        [f"Ann (person {ann.pk}) refers to it"],
        [f"Ann ann@acme.test person {ann.pk}, row 1 Company kept Company kept"],
        ["Company", f"company {gone}, gone", "New", "New (what it referred to before is gone)"],
    ]


def test_conflicts_are_paged_and_pages_keep_the_choice(
    acme: NewOrganization, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revert_choices, "CONFLICTS_PAGE_SIZE", 1)
    import_ = import_update(acme)

    first = ask(admin_client, import_, on_conflict="discard").content.decode()
    last = ask(admin_client, import_, conflicts_page="2").content.decode()

    assert [cells[0].split()[0] for cells in conflicts_of(" ".join(first.split()))[::2]] == ["Ann"]
    assert [cells[0].split()[0] for cells in conflicts_of(" ".join(last.split()))[::2]] == ["Bob"]
    assert 'href="?on_conflict=discard&amp;conflicts_page=2#conflicts"' in first
    assert "2 records" in text_of(first)


def test_conflicts_are_downloaded_as_csv(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_update(acme)
    Person.objects.filter(first_name="Ann").update(title="=1+1")
    ann, bob = Person.objects.get(first_name="Ann"), Person.objects.get(first_name="Bob")
    before = take_snapshot()

    response: Any = admin_client.get(url_of(import_, "conflicts"))

    name = f'attachment; filename="import-{import_.pk}-conflicts.csv"'
    assert response.headers["Content-Disposition"] == name
    assert response.headers["Cache-Control"].startswith("private, no-store")
    assert list(csv.reader(b"".join(response.streaming_content).decode().splitlines())) == [
        ["type", "row", "id", "name", "field", "before", "imported", "now", "conflict"],
        ["person", "1", str(ann.pk), "Ann New", "Title", "Before", "Updated", "'=1+1", "changed since"],
        ["person", "2", str(bob.pk), "Bob", "Title", "", "Made", "Edited", "changed since"],
    ]
    assert take_snapshot() == before


def test_edits_are_kept_unless_another_choice_is_made(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_update(acme)
    response = confirm(admin_client, ask(admin_client, import_))
    assert messages_of(response) == [f"Import {import_.pk}: kept 2 people"]
    assert people() == {"Ann": ("Old", "Edited"), "Bob": (None, "Edited")}
    assert LogEntry.objects.get().get_change_message() == "Reverted: kept 2 people"


def test_edits_can_be_discarded(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_update(acme)
    response = confirm(admin_client, ask(admin_client, import_), on_conflict="discard")
    assert messages_of(response) == [f"Import {import_.pk}: removed 1 person; restored 1 person"]
    assert people() == {"Ann": ("Old", "Before")}


@pytest.mark.parametrize("choice", ["keep", "discard"])
def test_a_revert_of_an_outdated_page_is_asked_again(acme: NewOrganization, admin_client: Client, choice: str) -> None:
    import_ = import_update(acme)
    page = ask(admin_client, import_)
    Person.objects.filter(first_name="Bob").update(title="Edited again")
    before = take_snapshot(without=("django_session",))

    again = confirm(admin_client, page, on_conflict=choice)

    assert again.redirect_chain == []
    assert messages_of(again) == [f"Import {import_.pk}: {MOVED}"]
    assert "Edited again" in conflicts_of(" ".join(again.content.decode().split()))[-1]
    assert take_snapshot(without=("django_session",)) == before

    response = confirm(admin_client, again)  # the earlier choice is still chosen
    assert response.redirect_chain == [(url_of(import_), 302)]
    assert Import.objects.get().reverted_with == choice


def test_an_edit_after_a_page_without_conflicts_makes_a_choice(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    page = ask(admin_client, import_)
    Person.objects.filter(first_name="John").update(title="Edited")

    again = confirm(admin_client, page)

    assert messages_of(again) == [f"Import {import_.pk}: {MOVED}"]
    assert [title for title, _, _ in choices_of(again)] == [f"*{KEEP}", DISCARD]
    assert Import.objects.get().state == ImportState.PROCESSED


def test_nothing_is_reverted_without_the_tag_of_the_page_and_a_policy(
    acme: NewOrganization, admin_client: Client
) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    tag = {f"etag_{import_.pk}": "0" * 32}
    for sent in ({}, {"on_conflict": "ask", **tag}, {"on_conflict": "refuse"}, {"on_conflict": "keep", **tag}):
        response = admin_client.post(url_of(import_, "revert"), sent)
        assert "Removes 1 company, 1 person." in response.content.decode()
        assert Import.objects.get().state == ImportState.PROCESSED
    assert "This field is required." in admin_client.post(url_of(import_, "revert")).content.decode()


def test_an_import_reverted_meanwhile_cannot_be_reverted_again(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    page = ask(admin_client, import_)
    revert_import(organization=acme.organization, import_id=import_.pk)

    response = confirm(admin_client, page)

    reason = "The import is in state 'reverted' and cannot be reverted"
    assert messages_of(response) == [f"Import {import_.pk}: refused: {reason}"]
    again = ask(admin_client, import_).content.decode()
    assert reason.replace("'", "&#x27;") in again
    assert 'type="submit"' not in again.partition('class="revert ')[2].partition("Back to the import")[0]
