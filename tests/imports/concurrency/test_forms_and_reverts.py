"""Forms of the admin that are sent while an import is reverted: each write is kept, or refused with a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from companies.models import Company
from importsvc.admin_site.records import GONE
from importsvc.engine.revert import revert as undo_module
from importsvc.imports.errors import RevertConflict
from importsvc.imports.models import Import, ImportState
from people.models import ApiToken, Person
from people.services import NewOrganization
from tests.admin_pages import (
    changed_to,
    errors_of,
    messages_of,
    open_form,
    read_form,
    send_form,
    url_of,
    values_of,
)
from tests.builders import make_person
from tests.imports.concurrency.meanwhile import before_it_commits, send_meanwhile
from tests.imports.revert_cases import company, person
from tests.imports.steps import revert
from tests.interleaving import Gate, hold, threads
from tests.snapshots import take_snapshot

pytestmark = pytest.mark.django_db(transaction=True)

NO_CHOICE = "Select a valid choice. That choice is not one of the available choices."


Pause = Callable[[pytest.MonkeyPatch], Gate]


def before_it_deletes(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """After everything is locked and updated records are restored, before created records are removed."""
    return Gate(monkeypatch, undo_module, "remove_records")


@pytest.fixture(params=[before_it_deletes, before_it_commits])
def pause(request: pytest.FixtureRequest) -> Pause:
    """The point where a revert is paused."""
    made: Pause = request.param
    return made


def revert_meanwhile(import_: Import, gate: Gate, send: Callable[[], Any]) -> Any:
    response = send_meanwhile(gate, hold(lambda: revert(import_)), send)
    import_.refresh_from_db()
    assert import_.state == ImportState.REVERTED
    return response


@pytest.mark.parametrize("page", ["change", "delete"])
@pytest.mark.parametrize("kind", ["person", "company"])
def test_a_record_that_a_revert_deletes_is_not_inserted_again(
    import_: Import, admin_client: Client, monkeypatch: pytest.MonkeyPatch, pause: Pause, kind: str, page: str
) -> None:
    # Ann's company Reds is deleted with her.
    record = person("Ann") if kind == "person" else company("Blues")
    sent = {**open_form(admin_client, record), "first_name": "Anna", "name": "Greens"} | {"post": "yes"}

    response = revert_meanwhile(import_, pause(monkeypatch), lambda: admin_client.post(url_of(record, page), sent))

    assert response.url == url_of(type(record), "changelist")
    assert messages_of(admin_client.get(response.url)) == [GONE.format(kind)]
    assert not type(record)._default_manager.filter(pk=record.pk).exists()
    assert set(Company.objects.values_list("name", flat=True)) == {"Acme", "Old"}
    assert set(Person.objects.values_list("first_name", flat=True)) == {"Ada", "Zoe"}


def test_a_field_that_the_revert_does_not_restore_is_saved(
    import_: Import, admin_client: Client, monkeypatch: pytest.MonkeyPatch, pause: Pause
) -> None:
    zoe = person("Zoe")
    opened = open_form(admin_client, zoe)

    # The form still has the company Reds, which is deleted.
    response = revert_meanwhile(
        import_, pause(monkeypatch), lambda: send_form(admin_client, zoe, opened, last_name="Ray")
    )

    assert errors_of(response) == {}
    zoe.refresh_from_db()
    assert (zoe.title, zoe.company, zoe.last_name) == ("Ms", company("Old"), "Ray")


def test_a_field_that_a_revert_restores_is_refused_and_then_saved(
    import_: Import, admin_client: Client, monkeypatch: pytest.MonkeyPatch, pause: Pause
) -> None:
    zoe = person("Zoe")
    opened = open_form(admin_client, zoe)

    response = revert_meanwhile(import_, pause(monkeypatch), lambda: send_form(admin_client, zoe, opened, title="Sir"))

    assert errors_of(response) == {"title": changed_to("Ms")}
    zoe.refresh_from_db()
    assert (zoe.title, zoe.company) == ("Ms", company("Old"))
    assert errors_of(send_form(admin_client, zoe, read_form(response))) == {}
    zoe.refresh_from_db()
    assert (zoe.title, zoe.company) == ("Sir", company("Old"))


@pytest.mark.parametrize("record", ["a person", "a new person"])
def test_a_company_that_a_revert_deletes_cannot_be_chosen(
    acme: NewOrganization,
    import_: Import,
    admin_client: Client,
    monkeypatch: pytest.MonkeyPatch,
    pause: Pause,
    record: str,
) -> None:
    chosen = str(company("Reds").pk)
    edited: Any = make_person(organization=acme.organization) if record == "a person" else Person
    opened = {**open_form(admin_client, edited), "organization": str(acme.organization.pk), "first_name": "Eve"}

    response = revert_meanwhile(
        import_, pause(monkeypatch), lambda: send_form(admin_client, edited, opened, company=chosen)
    )

    assert errors_of(response) == {"company": [NO_CHOICE]}
    assert not Person.objects.filter(first_name="Eve").exists()
    # The form keeps its input, and can be corrected.
    assert errors_of(send_form(admin_client, edited, read_form(response), company="")) == {}
    assert person("Eve").company is None


def test_a_person_deleted_by_the_revert_gets_no_token(
    import_: Import, admin_client: Client, monkeypatch: pytest.MonkeyPatch, pause: Pause
) -> None:
    ann = str(person("Ann").pk)
    opened = open_form(admin_client, ApiToken)

    response = revert_meanwhile(
        import_, pause(monkeypatch), lambda: send_form(admin_client, ApiToken, opened, person=ann, name="Script")
    )

    assert errors_of(response) == {"person": [NO_CHOICE]}
    assert ApiToken.objects.count() == 1


def test_a_form_that_is_sent_before_the_revert_locks_its_record_is_a_conflict_of_the_revert(
    import_: Import, admin_client: Client
) -> None:
    zoe = person("Zoe")
    opened = open_form(admin_client, zoe)
    before = take_snapshot(without=("people_person", "django_admin_log"))

    with threads() as background, transaction.atomic():
        assert errors_of(send_form(admin_client, zoe, opened, title="Sir")) == {}
        reverting = background.start_blocked(lambda: revert(import_))

    assert isinstance(reverting.result(), RevertConflict)
    assert take_snapshot(without=("people_person", "django_admin_log")) == before
    assert values_of(zoe)["title"] == "Sir"
