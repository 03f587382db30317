"""What a revert of a large import would do is found out by a worker; pages show how far it is, and then the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from importsvc.imports.models import Import, ImportState, StagedChunk
from importsvc.operations import work
from importsvc.operations.models import Operation, Status
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import url_of
from tests.builders import make_person
from tests.imports.admin.test_revert import ask, choices_of, conflicts_of
from tests.imports.revert_cases import company, make_mixed_import, person

pytestmark = pytest.mark.django_db(transaction=True)

IN_WORK = "Comparing all records with what the import wrote"


@pytest.fixture
def edited(acme: NewOrganization) -> Import:
    """An import of which a created and an updated person were edited since, and a created company is referred to."""
    import_ = make_mixed_import(acme)
    Person.objects.filter(first_name__in=["Bob", "Zoe"]).update(title="Sir")
    make_person(organization=acme.organization, email="new@example.com", company=company("Reds"))
    return import_


def make_large(import_: Import) -> None:
    """Give its rows a size of which a worker does the previews."""
    assert StagedChunk.objects.filter(import_record_id=import_.pk).update(size=3 * 1024 * 1024)


def words_of(response: Any) -> str:
    """The page, with one blank in place of blanks and line ends."""
    return " ".join(response.content.decode().split())


def poll(client: Client, import_: Import, page: str = "") -> Any:
    """The response to a page that asks how far the worker is."""
    return client.get(
        url_of(import_, "choices"), {"conflicts_page": page} if page else {}, headers={"HX-Request": "true"}
    )


def test_the_choices_of_a_large_import_are_those_of_a_small_one(admin_client: Client, edited: Import) -> None:
    small = ask(admin_client, edited)
    make_large(edited)

    waiting = ask(admin_client, edited).content.decode()
    assert IN_WORK in waiting
    assert f'hx-get="{url_of(edited, "choices")}"' in waiting
    assert "Waiting for a worker." in poll(admin_client, edited).content.decode()
    assert "revert_form" not in waiting
    assert work.run_next()
    assert poll(admin_client, edited).headers["HX-Refresh"] == "true"

    large = ask(admin_client, edited)
    assert choices_of(large) == choices_of(small)
    assert len(choices_of(large)) == 2
    shown = conflicts_of(words_of(large))
    assert shown == conflicts_of(words_of(small))
    assert len(shown) >= 3
    assert large.context["choice_page"].etag == small.context["choice_page"].etag
    checked = conflicts_of(words_of(admin_client.get(url_of(edited), {"conflicts": "1"})))
    assert [row for row in checked if len(row) == 4] == [row for row in shown if len(row) == 4]
    assert Operation.objects.count() == 1


def test_a_large_import_is_reverted_as_it_was_shown_and_what_is_outdated_is_found_out_again(
    admin_client: Client, edited: Import
) -> None:
    make_large(edited)
    ask(admin_client, edited)
    assert work.run_next()
    etag = ask(admin_client, edited).context["choice_page"].etag
    Person.objects.filter(first_name="Ann").update(title="Dr")
    chosen = {"on_conflict": "keep", f"etag_{edited.pk}": etag}

    assert admin_client.post(url_of(edited, "revert"), chosen).status_code == 302
    assert work.run_next()
    page = words_of(ask(admin_client, edited))
    assert "The last revert changed nothing:" in page
    assert "Something has changed since it was shown to you. This is how it is now." in page
    assert IN_WORK in page
    assert Import.objects.get(pk=edited.pk).state == ImportState.PROCESSED
    assert work.run_next()
    chosen[f"etag_{edited.pk}"] = ask(admin_client, edited).context["choice_page"].etag
    assert admin_client.post(url_of(edited, "revert"), chosen).status_code == 302
    assert work.run_next()

    edited.refresh_from_db()
    assert edited.state == ImportState.REVERTED
    assert (person("Ann").title, person("Zoe").title, person("Zoe").last_name) == ("Dr", "Sir", "Lee")
    assert poll(admin_client, edited).headers["HX-Refresh"] == "true"
    assert "It cannot be reverted" in ask(admin_client, edited).content.decode()


def test_what_was_found_out_does_not_hold_when_the_import_has_changed_and_a_failure_is_shown(
    admin_client: Client, edited: Import
) -> None:
    make_large(edited)
    ask(admin_client, edited)
    assert work.run_next()
    Import.objects.filter(pk=edited.pk).update(sample=True)

    assert IN_WORK in ask(admin_client, edited).content.decode()
    error = {"code": "worker_lost", "detail": "The worker ended", "attribute": None, "meta": None}
    queued = Operation.objects.filter(status=Status.QUEUED)
    assert queued.update(status=Status.FAILED, finished_at=timezone.now(), errors=[error]) == 1
    page = ask(admin_client, edited).content.decode()
    assert "The worker ended." in page
    assert 'hx-get="' not in page.partition('id="work-progress"')[2].partition(">")[0]
    Operation.objects.filter(status=Status.FAILED).update(finished_at=timezone.now() - timedelta(minutes=1))
    assert "Waiting for a worker" in ask(admin_client, edited).content.decode()


def test_it_is_said_that_there_is_no_worker(admin_client: Client, edited: Import) -> None:
    make_large(edited)
    assert "No worker is running" not in ask(admin_client, edited).content.decode()
    Operation.objects.update(queued_at=timezone.now() - timedelta(seconds=5))
    assert "No worker is running, so this waits." in poll(admin_client, edited).content.decode()


def test_the_progress_is_for_users_that_may_view_imports(client: Client, edited: Import) -> None:
    make_large(edited)
    assert poll(client, edited).status_code == 302
    client.force_login(User.objects.create_user("eve", is_staff=True))
    assert poll(client, edited).status_code == 403
    assert not Operation.objects.exists()


def test_the_progress_of_an_import_that_is_not_there_is_a_404(admin_client: Client, edited: Import) -> None:
    assert admin_client.get(f"/admin/imports/import/{edited.pk + 1}/choices/").status_code == 404
