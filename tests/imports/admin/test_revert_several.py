"""Operators revert several imports of the list in the admin after a confirmation that shows what would be undone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from importsvc.imports.formatting import POLICIES
from importsvc.imports.models import Import, ImportState
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import SCRIPT, confirm, messages_of, url_of
from tests.builders import PUBLISHED_ROWS, make_import
from tests.imports.admin.test_revert import LIST, MOVED, import_update
from tests.imports.steps import import_rows

pytestmark = pytest.mark.django_db


def ask(client: Client, *imports: Import) -> Any:
    """The confirmation of the action."""
    return client.post(LIST, {"action": "revert_selected", "_selected_action": [import_.pk for import_ in imports]})


def shown(confirmation: Any) -> dict[int, tuple[str, list[str]]]:
    """The imports that a confirmation offers to revert, by id: the summary and the conflicts."""
    assert confirmation.status_code == 200
    return {each.import_.pk: (each.would, list(each.conflicts)) for each in confirmation.context["possible"]}


def refused(confirmation: Any) -> dict[int, str]:
    """The reasons of a confirmation for imports that cannot be reverted, by id."""
    return {each.import_.pk: each.refusal for each in confirmation.context["refused"]}


def test_one_selected_import_has_the_page_of_its_own(acme: NewOrganization, admin_client: Client) -> None:
    import_ = import_rows(acme, PUBLISHED_ROWS)
    response = ask(admin_client, import_)
    assert (response.status_code, response["Location"]) == (302, url_of(import_, "revert"))


def test_conflicts_are_shown_with_the_ways_to_resolve_them(acme: NewOrganization, admin_client: Client) -> None:
    edited, other = import_update(acme), import_rows(acme, {"person": [{"first_name": "A"}]})
    Person.objects.filter(first_name="Bob").update(title=SCRIPT)

    confirmation = ask(admin_client, edited, other)

    would, conflicts = shown(confirmation)[edited.pk]
    assert would == "remove nothing; 2 people in conflict"
    assert [conflict.partition(": ")[2] for conflict in conflicts] == [
        'changed since: title from "Made" to "<script>alert(1)</script>"',
        'changed since: title from "Updated" to "Edited"',
    ]
    page = " ".join(confirmation.content.decode().split())
    assert "&quot;Made&quot; to &quot;&lt;script&gt;alert(1)&lt;/script&gt;&quot;</li>" in page
    assert SCRIPT not in page
    radio = r'<input type="radio" name="on_conflict" value="(\w+)"[^>]*?( checked)?> (\w+ .*?)</label>'
    choices = re.findall(radio, page)
    assert choices == [(name, " checked" if name == "keep" else "", label) for name, label in POLICIES.items()]
    assert "Revert 2 imports" in page

    response = confirm(admin_client, confirmation)
    assert messages_of(response) == [f"Import {other.pk}: removed 1 person", f"Import {edited.pk}: kept 2 people"]


def test_imports_with_conflicts_can_be_left_as_they_are(acme: NewOrganization, admin_client: Client) -> None:
    edited, other = import_update(acme), import_rows(acme, {"person": [{"first_name": "A"}]})

    messages = messages_of(confirm(admin_client, ask(admin_client, edited, other), on_conflict="refuse"))

    assert messages[0] == f"Import {other.pk}: removed 1 person"
    reason = "2 changes or references since the import stand in the way"
    assert messages[1].startswith(f"Import {edited.pk}: refused: {reason}; people/")
    assert Import.objects.get(pk=edited.pk).state == ImportState.PROCESSED
    assert LogEntry.objects.count() == 1


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
