"""Reverts of large imports are left to a worker; pages show how far it is, and then what became of them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from importsvc.http.slots import SHORT_BYTES
from importsvc.imports.models import Import, ImportState, StagedChunk
from importsvc.operations import work
from importsvc.operations.models import Kind, Operation, Status
from importsvc.operations.services import cancel_operation
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import confirm, log_in_staff, messages_of, url_of
from tests.imports.admin.test_revert import LIST, ask, choices_of, import_update, people
from tests.imports.admin.test_revert_several import ask as ask_for
from tests.imports.admin.test_revert_several import refused, shown
from tests.imports.steps import import_rows

pytestmark = pytest.mark.django_db(transaction=True)

WAITING = "Waiting for a worker. You may leave this page: the work goes on."
NO_WORKER = (
    "No worker is running, so this waits. It begins as soon as there is one: start one with <code>manage.py work</code>"
    " or <code>manage.py serve</code>."
)
CHANGED = "Something has changed since it was shown to you. This is how it is now."


def make_large(*imports: Import, size: int = SHORT_BYTES + 1) -> None:
    """Give the rows a size of which a worker does the revert."""
    for import_ in imports:
        assert StagedChunk.objects.filter(import_record_id=import_.pk).update(size=size)


def words_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def poll(client: Client, import_: Import) -> Any:
    """The response to the page that asks how far the revert is."""
    return client.get(url_of(import_, "revert"), headers={"HX-Request": "true"})


def state_of(import_: Import) -> str:
    return str(Import.objects.get(pk=import_.pk).state.value)


@pytest.fixture
def edited(acme: NewOrganization) -> Import:
    """A large import that updated a person and created another; the title of both was edited since."""
    import_ = import_update(acme)
    make_large(import_)
    return import_


def test_the_page_shows_how_far_the_worker_is_and_leads_to_the_import_at_the_end(
    admin_client: Client, edited: Import
) -> None:
    response = confirm(admin_client, ask(admin_client, edited), on_conflict="discard")

    assert response.redirect_chain == [(url_of(edited, "revert"), 302)]
    operation = Operation.objects.get()
    assert (operation.kind, operation.import_record_id, operation.creator) == (Kind.REVERT, edited.pk, edited.creator)
    page = words_of(response)
    assert f'hx-get="{url_of(edited, "revert")}"' in page
    assert f'<a id="work-operation" href="{url_of(operation)}">' in page
    assert 'id="revert_form"' not in page
    assert WAITING in page
    assert WAITING in words_of(poll(admin_client, edited))
    assert state_of(edited) == "processed"

    assert work.run_next()

    assert poll(admin_client, edited).headers["HX-Redirect"] == url_of(edited)
    response = admin_client.get(url_of(edited))
    assert messages_of(response) == [f"Import {edited.pk}: removed 1 person; restored 1 person"]
    assert people() == {"Ann": ("Old", "Before")}
    assert Import.objects.get().reverted_by == {"kind": "staff", "name": "admin", "id": User.objects.get().pk}
    assert LogEntry.objects.get().get_change_message() == f"Left the revert to a worker, as operation {operation.pk}"


def test_it_is_said_that_there_is_no_worker_and_what_to_do(admin_client: Client, edited: Import) -> None:
    assert NO_WORKER not in words_of(confirm(admin_client, ask(admin_client, edited)))

    Operation.objects.update(queued_at=timezone.now() - timedelta(seconds=5))

    assert NO_WORKER in words_of(poll(admin_client, edited))
    assert NO_WORKER in words_of(ask(admin_client, edited))


def test_a_form_that_is_sent_twice_is_done_once(admin_client: Client, edited: Import) -> None:
    opened = ask(admin_client, edited)
    confirm(admin_client, opened)
    again = confirm(admin_client, opened)

    assert WAITING in words_of(again)
    assert Operation.objects.count() == 1
    assert work.run_next()
    messages = messages_of(confirm(admin_client, opened))
    assert messages == [f"Import {edited.pk}: refused: The import is in state 'reverted' and cannot be reverted"]
    assert not work.run_next()


def test_what_was_edited_meanwhile_is_shown_again_with_the_choice_and_nothing_is_reverted(
    admin_client: Client, edited: Import
) -> None:
    opened = ask(admin_client, edited)
    Person.objects.filter(first_name="Bob").update(title="Later")
    confirm(admin_client, opened, on_conflict="discard")
    before = people()
    assert work.run_next()

    assert poll(admin_client, edited).headers["HX-Refresh"] == "true"
    page = ask(admin_client, edited)

    assert f"The last revert changed nothing:</p><ul><li><bdi>{CHANGED}</bdi></li>" in words_of(page)
    assert [title.startswith("*Undo everything") for title, *_ in choices_of(page)] == [False, True]
    assert (people(), state_of(edited)) == (before, "processed")
    confirm(admin_client, page, on_conflict="keep")
    assert work.run_next()
    assert state_of(edited) == "reverted"


def test_a_cancelled_revert_leaves_the_import_as_it_was(admin_client: Client, edited: Import) -> None:
    confirm(admin_client, ask(admin_client, edited))
    cancel_operation(organization=edited.organization, operation_id=Operation.objects.get().pk)

    assert poll(admin_client, edited).headers["HX-Refresh"] == "true"
    page = ask(admin_client, edited)

    assert len(choices_of(page)) == 2
    assert "The last revert changed nothing" not in words_of(page)
    assert state_of(edited) == "processed"


def test_the_progress_is_not_for_staff_that_may_only_view(admin_client: Client, edited: Import) -> None:
    confirm(admin_client, ask(admin_client, edited))

    assert poll(log_in_staff(codename="view_import"), edited).status_code == 403


def test_the_operation_is_linked_for_staff_that_may_view_it(admin_client: Client, edited: Import) -> None:
    confirm(admin_client, ask(admin_client, edited))

    page = words_of(ask(log_in_staff(codename__in=["view_import", "revert_import"]), edited))

    assert WAITING in page
    assert url_of(Operation.objects.get()) not in page


def test_several_are_reverted_by_a_worker_newest_first(acme: NewOrganization, admin_client: Client) -> None:
    older = import_rows(acme, {"company": [{"name": "Old"}]})
    newer = import_rows(acme, {"person": [{"first_name": "New", "company": "old"}]})
    alone = import_rows(acme, {"person": [{"first_name": "Alone"}]})
    make_large(newer)

    response = confirm(admin_client, ask_for(admin_client, older, newer, alone))

    assert response.redirect_chain == [(LIST, 302)]
    texts = [re.sub("<[^>]*>", "", message) for message in messages_of(response)]
    assert texts == [f"Import {each.pk}: a worker reverts it. How far it is" for each in (alone, newer, older)]
    assert f'<a href="{url_of(newer, "revert")}">How far it is</a>' in messages_of(response)[1]
    assert Import.objects.exclude(reverted_at=None).count() == 0
    while work.run_next():
        pass
    # What was shown of the oldest one was a conflict with the newer one.
    assert [state_of(each) for each in (alone, newer, older)] == ["reverted", "reverted", "processed"]
    assert CHANGED in words_of(ask(admin_client, older))


def test_what_the_reverts_of_several_would_do_is_found_out_by_a_worker(
    acme: NewOrganization, admin_client: Client, edited: Import
) -> None:
    other = import_rows(acme, {"person": [{"first_name": "A"}]})
    gone = import_rows(acme, {"person": [{"first_name": "B"}]})
    confirm(admin_client, ask(admin_client, gone))
    small = shown(ask_for(admin_client, edited, other, gone))
    make_large(edited, size=3 * 1024 * 1024)

    waiting = ask_for(admin_client, edited, other, gone)

    page = words_of(waiting)
    assert "2 of 3 imports to be compared." in page
    assert f'hx-post="{LIST}" hx-trigger="every 1s"' in page
    assert 'name="confirmed"' not in page
    assert NO_WORKER not in page
    Operation.objects.update(queued_at=timezone.now() - timedelta(seconds=5))
    # What the page sends in the background, and a browser without JavaScript by its button.
    assert NO_WORKER in words_of(confirm(admin_client, waiting, form_id="revert-waiting"))
    assert work.run_next()
    assert "1 of 3 imports to be compared." in words_of(confirm(admin_client, waiting, form_id="revert-waiting"))
    assert work.run_next()
    found = confirm(admin_client, waiting, form_id="revert-waiting")
    assert shown(found) == small
    assert refused(found) == {gone.pk: "The import is in state 'reverted' and cannot be reverted"}
    confirm(admin_client, found)
    assert [state_of(edited), state_of(other)] == ["processed", "processed"]
    assert work.run_next()
    assert work.run_next()
    assert [state_of(edited), state_of(other)] == ["reverted", "reverted"]
    assert people() == {"Ann": ("Old", "Edited"), "Bob": (None, "Edited")}


def test_a_failed_comparison_is_the_reason_why_an_import_cannot_be_reverted(
    acme: NewOrganization, admin_client: Client, edited: Import
) -> None:
    other = import_rows(acme, {"person": [{"first_name": "A"}]})
    make_large(edited, size=3 * 1024 * 1024)
    ask_for(admin_client, edited, other)
    error = {"code": "worker_lost", "detail": "The worker ended", "attribute": None, "meta": None}
    failed = Operation.objects.filter(import_record=edited)
    assert failed.update(status=Status.FAILED, finished_at=timezone.now(), errors=[error]) == 1
    assert work.run_next()

    found = ask_for(admin_client, edited, other)

    assert refused(found) == {edited.pk: "The worker ended."}
    assert list(shown(found)) == [other.pk]
    assert Import.objects.get(pk=other.pk).state == ImportState.PROCESSED
