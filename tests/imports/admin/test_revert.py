"""Operators revert imports in the admin after a confirmation that shows what would be undone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from companies.models import Company
from importsvc.imports.admin.revert import ON_CONFLICT
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import revert_import
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import (
    SCRIPT,
    confirm,
    messages_of,
    read,
    url_of,
)
from tests.builders import PUBLISHED_ROWS, make_import, make_person
from tests.imports.steps import import_rows
from tests.snapshots import take_snapshot

pytestmark = pytest.mark.django_db

LIST = "/admin/imports/import/"
MOVED = "not reverted: something has changed since it was shown to you. This is how it is now."


def ask(client: Client, *imports: Import) -> Any:
    """The confirmation page of the button, or of the list's action for several imports."""
    if len(imports) == 1:
        return client.get(url_of(imports[0], "revert"))
    return client.post(LIST, {"action": "revert_selected", "_selected_action": [import_.pk for import_ in imports]})


def shown(confirmation: Any) -> dict[int, tuple[str, list[str]]]:
    """The imports that a confirmation offers to revert, by id: the summary and the conflicts."""
    assert confirmation.status_code == 200
    return {each.import_.pk: (each.would, list(each.conflicts)) for each in confirmation.context["possible"]}


def refused(confirmation: Any) -> dict[int, str]:
    """The reasons of a confirmation for imports that cannot be reverted, by id."""
    return {each.import_.pk: each.refusal for each in confirmation.context["refused"]}


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


def test_the_button_reverts_after_a_confirmation(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    assert f'<a href="{url_of(import_, "revert")}"' in read(admin_client, url_of(import_))

    confirmation = ask(admin_client, import_)
    page = " ".join(confirmation.content.decode().split())
    assert f"<li>Import {import_.pk} of Acme: would remove 1 company, 1 person </li>" in page
    assert 'type="radio"' not in page
    assert Import.objects.get().state == ImportState.PROCESSED

    response = confirm(admin_client, confirmation)
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


def test_conflicts_are_shown_with_the_ways_to_resolve_them(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    company, john = Company.objects.get(name="Import"), Person.objects.get(first_name="John")
    contact = make_person(organization=acme.organization, company=company)
    Person.objects.filter(pk=john.pk).update(title=SCRIPT)
    edit = 'title from "Contact" to "<script>alert(1)</script>"'
    conflicts = [
        f"companies/{company.pk} (row 1): referred to by people/{contact.pk}",
        f"people/{john.pk} (row 1): changed since: {edit}",
    ]

    confirmation = ask(admin_client, import_)

    would = "remove nothing; 1 company, 1 person in conflict"
    assert shown(confirmation) == {import_.pk: (would, conflicts)}
    page = " ".join(confirmation.content.decode().split())
    assert f"<li>{conflicts[0]}</li>" in page
    assert "&quot;Contact&quot; to &quot;&lt;script&gt;alert(1)&lt;/script&gt;&quot;</li>" in page
    assert SCRIPT not in page
    radio = r'<input type="radio" name="on_conflict" value="(\w+)"[^>]*?( checked)?> (\w+: .*?)</label>'
    choices = re.findall(radio, page)
    assert choices == [(name, " checked" if name == "refuse" else "", label) for name, label in ON_CONFLICT.items()]

    response = confirm(admin_client, confirmation)
    reason = "2 changes or references since the import stand in the way"
    assert messages_of(response) == [f"Import {import_.pk}: refused: {'; '.join([reason, *conflicts])}"]
    assert Import.objects.get().state == ImportState.PROCESSED
    assert not LogEntry.objects.exists()


def test_edits_can_be_kept(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_update(acme)
    response = confirm(admin_client, ask(admin_client, import_), on_conflict="keep")
    assert messages_of(response) == [f"Import {import_.pk}: kept 2 people"]
    assert people() == {"Ann": ("Old", "Edited"), "Bob": (None, "Edited")}
    assert LogEntry.objects.get().get_change_message() == "Reverted: kept 2 people"


def test_edits_can_be_discarded(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_update(acme)
    response = confirm(admin_client, ask(admin_client, import_), on_conflict="discard")
    assert messages_of(response) == [f"Import {import_.pk}: removed 1 person; restored 1 person"]
    assert people() == {"Ann": ("Old", "Before")}


@pytest.mark.parametrize("choice", ["refuse", "keep", "discard"])
def test_a_revert_with_an_outdated_confirmation_is_confirmed_again(
    acme: NewOrganization, admin_client: Client, choice: str
) -> None:
    import_ = import_update(acme)
    confirmation = ask(admin_client, import_)
    Person.objects.filter(first_name="Bob").update(title="Edited again")
    before = take_snapshot()

    again = confirm(admin_client, confirmation, on_conflict=choice)

    assert again.redirect_chain == []
    assert messages_of(again) == [f"Import {import_.pk}: {MOVED}"]
    assert 'from "Made" to "Edited again"' in shown(again)[import_.pk][1][0]
    assert take_snapshot(without=("django_session",)) == {
        table: rows for table, rows in before.items() if table != "django_session"
    }

    response = confirm(admin_client, again)  # the earlier choice is preselected
    assert response.redirect_chain == [(url_of(import_), 302)]
    assert Import.objects.get().state == (ImportState.PROCESSED if choice == "refuse" else ImportState.REVERTED)


def test_only_imports_shown_in_the_confirmation_are_reverted(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    tag = {f"etag_{import_.pk}": "0" * 32}
    for sent in ({}, {"on_conflict": "ask", **tag}, {"on_conflict": "refuse"}, {"on_conflict": "keep", **tag}):
        response = admin_client.post(url_of(import_, "revert"), sent)
        assert shown(response) == {import_.pk: ("remove 1 company, 1 person", [])}
        assert Import.objects.get().state == ImportState.PROCESSED
    assert "This field is required." in admin_client.post(url_of(import_, "revert")).content.decode()


def test_an_import_reverted_meanwhile_cannot_be_reverted_again(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    confirmation = ask(admin_client, import_)
    revert_import(organization=acme.organization, import_id=import_.pk)

    response = confirm(admin_client, confirmation)

    reason = "The import is in state 'reverted' and cannot be reverted"
    assert messages_of(response) == [f"Import {import_.pk}: refused: {reason}"]
    assert refused(ask(admin_client, import_)) == {import_.pk: reason}
    assert "Yes, revert" not in read(admin_client, url_of(import_, "revert"))


def test_selected_imports_are_reverted_newest_first_after_a_confirmation(
    acme: NewOrganization, admin_client: Client
) -> None:
    first = import_rows(acme, PUBLISHED_ROWS)
    staged = make_import(creator=acme.person)
    second = import_rows(acme, {"person": [{"first_name": "A"}, {"first_name": "B"}]})

    confirmation = ask(admin_client, first, staged, second)
    assert list(shown(confirmation).items()) == [
        (second.pk, ("remove 2 people", [])),
        (first.pk, ("remove 1 company, 1 person", [])),
    ]
    assert refused(confirmation) == {staged.pk: "The import is in state 'created' and cannot be reverted"}
    page = confirmation.content.decode()
    assert f"Import {staged.pk}: The import is in state &#x27;created&#x27; and cannot be reverted" in page
    assert f'name="_selected_action" value="{staged.pk}"' not in page

    response = confirm(admin_client, confirmation)
    assert messages_of(response) == [
        f"Import {second.pk}: removed 2 people",
        f"Import {first.pk}: removed 1 company, 1 person",
    ]
    assert LogEntry.objects.count() == 2


def test_only_selected_imports_that_changed_meanwhile_are_confirmed_again(
    acme: NewOrganization, admin_client: Client
) -> None:
    moved = import_rows(acme, PUBLISHED_ROWS)
    still = import_rows(acme, {"person": [{"first_name": "A"}]})
    confirmation = ask(admin_client, moved, still)
    Person.objects.get(first_name="John").delete()

    again = confirm(admin_client, confirmation)

    assert messages_of(again) == [f"Import {still.pk}: removed 1 person", f"Import {moved.pk}: {MOVED}"]
    assert shown(again) == {moved.pk: ("remove 1 company; 1 person gone already", [])}
    assert messages_of(confirm(admin_client, again)) == [f"Import {moved.pk}: removed 1 company; 1 person gone already"]


def test_an_import_whose_records_a_newer_one_referred_to_is_confirmed_again(
    acme: NewOrganization, admin_client: Client
) -> None:
    older = import_rows(acme, {"company": [{"name": "Old"}]})
    newer = import_rows(acme, {"person": [{"first_name": "New", "company": "old"}]})
    confirmation = ask(admin_client, older, newer)
    assert [would for would, _ in shown(confirmation).values()] == [
        "remove 1 person",
        "remove nothing; 1 company in conflict",
    ]

    again = confirm(admin_client, confirmation)

    assert messages_of(again) == [f"Import {newer.pk}: removed 1 person", f"Import {older.pk}: {MOVED}"]
    assert shown(again) == {older.pk: ("remove 1 company", [])}
    assert messages_of(confirm(admin_client, again)) == [f"Import {older.pk}: removed 1 company"]


def test_too_many_selected_imports_are_not_reverted(acme: NewOrganization, admin_client: Client) -> None:
    imports = [make_import(creator=acme.person, state=ImportState.PROCESSED) for _ in range(51)]
    selection = {"action": "revert_selected", "_selected_action": [import_.pk for import_ in imports]}
    response = admin_client.post(LIST, {**selection, "confirmed": "yes"}, follow=True)
    assert messages_of(response) == ["Revert at most 50 imports at once."]
    assert not Import.objects.exclude(reverted_at=None).exists()
