"""Forms of the admin that are sent while an import runs or is reverted: each write is kept, or refused in words."""

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
from importsvc.imports.services import create_import, revert_import, run_import
from people.models import ApiToken, Person
from people.services import NewOrganization, create_token
from tests.admin_pages import (
    admin_user,  # noqa: F401 - who admin_client is
    errors_of,
    messages_of,
    open_form,
    read_form,
    send_form,
    url_of,
    values_of,
)
from tests.builders import make_company, make_person
from tests.imports.revert_cases import company, person
from tests.interleaving import Gate, Steps, ask, hold, threads
from tests.snapshots import take_snapshot

pytestmark = pytest.mark.django_db(transaction=True)

NO_CHOICE = "Select a valid choice. That choice is not one of the available choices."
TAKEN = "Email has already been taken"

Pause = Callable[[pytest.MonkeyPatch], Gate]


def before_it_deletes(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Everything is locked, updated records are restored, created ones are there."""
    return Gate(monkeypatch, undo_module, "remove_records")


def before_it_commits(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """For work in ``hold``."""
    return Gate(monkeypatch, Steps, "stop")


@pytest.fixture(params=[before_it_deletes, before_it_commits])
def pause(request: pytest.FixtureRequest) -> Pause:
    """Where a revert is paused."""
    made: Pause = request.param
    return made


def revert(import_: Import) -> Import:
    return revert_import(organization=import_.organization, import_id=import_.pk).import_


def changed_to(value: str) -> list[str]:
    return [f"This was changed to “{value}” after the form was opened. Save again to overwrite it."]


def send_meanwhile(gate: Gate, work: Callable[[], Any], send: Callable[[], Any]) -> Any:
    """Pause the work, send the form, which waits for it, and go on. Returns the response to the form."""
    with threads() as others:
        working = others.start(work)
        gate.wait()
        sending = others.start_blocked(send)
        gate.open()
    assert not isinstance(working.result(), Exception), working.result()
    response = sending.result()
    assert not isinstance(response, Exception), response
    return response


def revert_meanwhile(import_: Import, gate: Gate, send: Callable[[], Any]) -> Any:
    response = send_meanwhile(gate, hold(lambda: revert(import_)), send)
    import_.refresh_from_db()
    assert import_.state == ImportState.REVERTED
    return response


# --- While an import is reverted ------------------------------------------------------------------------------------


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


def test_another_field_than_those_that_a_revert_restores_is_saved_beside_them(
    import_: Import, admin_client: Client, monkeypatch: pytest.MonkeyPatch, pause: Pause
) -> None:
    zoe = person("Zoe")
    opened = open_form(admin_client, zoe)

    # It still names the company Reds, which is deleted.
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
    # The form is as it was sent, and can be corrected.
    assert errors_of(send_form(admin_client, edited, read_form(response), company="")) == {}
    assert person("Eve").company is None


def test_a_person_who_is_deleted_gets_no_token(
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

    with threads() as others, transaction.atomic():
        assert errors_of(send_form(admin_client, zoe, opened, title="Sir")) == {}
        reverting = others.start_blocked(lambda: revert(import_))

    assert isinstance(reverting.result(), RevertConflict)
    assert take_snapshot(without=("people_person", "django_admin_log")) == before
    assert values_of(zoe)["title"] == "Sir"


# --- While an import runs -------------------------------------------------------------------------------------------

ROWS = {
    "company": [{"name": "Reds", "description": "New"}],
    "person": [
        {"first_name": "Zoe", "email": "zoe@acme.test", "title": "Prof"},
        {"first_name": "Bob", "email": "bob@acme.test", "company": "Reds"},
    ],
}


@pytest.fixture
def zoe(acme: NewOrganization) -> Person:
    return make_person(
        organization=acme.organization, first_name="Zoe", last_name="Lee", email="zoe@acme.test", title="Ms"
    )


@pytest.fixture
def reds(acme: NewOrganization) -> Company:
    return make_company(organization=acme.organization, name="Reds", description="Old")


@pytest.fixture
def staged(acme: NewOrganization, zoe: Person, reds: Company) -> Import:
    """An import that would update Zoe and Reds, and create Bob in Reds."""
    return create_import(organization=acme.organization, creator=acme.person, import_data=ROWS, on_duplicate="update")


def run(import_: Import) -> Import:
    return run_import(organization=import_.organization, import_id=import_.pk)


def run_meanwhile(import_: Import, monkeypatch: pytest.MonkeyPatch, send: Callable[[], Any]) -> Any:
    response = send_meanwhile(before_it_commits(monkeypatch), hold(lambda: run(import_)), send)
    import_.refresh_from_db()
    assert import_.state == ImportState.PROCESSED
    return response


def run_before(import_: Import, monkeypatch: pytest.MonkeyPatch, send: Callable[[], Any]) -> Any:
    run(import_)
    return send()


RUNS = pytest.mark.parametrize("run_and_send", [run_meanwhile, run_before])


@RUNS
def test_another_field_than_those_that_an_import_updates_is_saved_beside_them(
    staged: Import, zoe: Person, reds: Company, admin_client: Client, monkeypatch: pytest.MonkeyPatch, run_and_send: Any
) -> None:
    opened_person, opened_company = open_form(admin_client, zoe), open_form(admin_client, reds)

    def send() -> Any:
        assert errors_of(send_form(admin_client, reds, opened_company, due_days="30")) == {}
        return send_form(admin_client, zoe, opened_person, last_name="Ray")

    assert errors_of(run_and_send(staged, monkeypatch, send)) == {}

    now, now_company = values_of(zoe), values_of(reds)
    assert (now["title"], now["last_name"]) == ("Prof", "Ray")
    assert (now_company["description"], now_company["due_days"]) == ("New", 30)
    # The import did not change what the forms changed: its revert takes back its own values and leaves theirs.
    revert(staged)
    assert values_of(zoe) == {**now, "title": "Ms"}
    assert values_of(reds) == {**now_company, "description": "Old"}


@RUNS
def test_a_field_that_an_import_updates_is_refused_and_then_saved(
    staged: Import, zoe: Person, admin_client: Client, monkeypatch: pytest.MonkeyPatch, run_and_send: Any
) -> None:
    opened = open_form(admin_client, zoe)

    response = run_and_send(staged, monkeypatch, lambda: send_form(admin_client, zoe, opened, title="Sir"))

    assert errors_of(response) == {"title": changed_to("Prof")}
    assert values_of(zoe)["title"] == "Prof"
    assert errors_of(send_form(admin_client, zoe, read_form(response))) == {}
    assert values_of(zoe)["title"] == "Sir"
    # That is an edit like any other.
    with pytest.raises(RevertConflict):
        revert(staged)


@RUNS
def test_a_form_that_was_opened_before_an_import_and_changes_nothing_leaves_its_values_to_be_reverted(
    staged: Import, zoe: Person, admin_client: Client, monkeypatch: pytest.MonkeyPatch, run_and_send: Any
) -> None:
    before = values_of(zoe)
    opened = open_form(admin_client, zoe)

    assert errors_of(run_and_send(staged, monkeypatch, lambda: send_form(admin_client, zoe, opened))) == {}

    assert values_of(zoe) == {**before, "title": "Prof"}
    revert(staged)
    assert values_of(zoe) == before


@pytest.mark.parametrize("record", ["a person", "a new person"])
def test_an_address_that_an_import_takes_meanwhile_is_refused(
    acme: NewOrganization, staged: Import, admin_client: Client, monkeypatch: pytest.MonkeyPatch, record: str
) -> None:
    edited: Any = acme.person if record == "a person" else Person
    opened = {**open_form(admin_client, edited), "organization": str(acme.organization.pk), "first_name": "Ada"}

    response = run_meanwhile(
        staged, monkeypatch, lambda: send_form(admin_client, edited, opened, email="BOB@acme.test")
    )

    assert errors_of(response) == {"__all__": [TAKEN]}
    assert Person.objects.filter(first_name="Ada").count() == 1


@pytest.mark.parametrize("page", ["delete", "changelist"])
def test_a_company_that_an_import_refers_to_meanwhile_is_not_deleted(
    staged: Import, reds: Company, admin_client: Client, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    url = url_of(reds, page) if page == "delete" else url_of(Company, page)
    sent = {"post": "yes", "action": "delete_selected", "_selected_action": [reds.pk]}

    response = run_meanwhile(staged, monkeypatch, lambda: admin_client.post(url, sent))

    assert b"would require deleting the following protected related objects" in response.content
    assert person("Bob").company == reds


# --- While another form is sent -----------------------------------------------------------------------------------


def test_a_form_in_a_deadlock_is_tried_again(
    acme: NewOrganization, zoe: Person, reds: Company, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_form(admin_client, zoe)
    gate = before_it_commits(monkeypatch)

    def lock_in_the_other_order() -> None:
        # The form's connection is the one that looks for a deadlock, and late enough for there to be one.
        ask("SELECT set_config('deadlock_timeout', '60s', false)")
        with transaction.atomic():
            Company.objects.select_for_update().get(pk=reds.pk)
            Steps.stop()
            Person.objects.filter(pk=zoe.pk).update(role_id=7)

    def send() -> Any:
        ask("SELECT set_config('deadlock_timeout', '3s', false)")
        return send_form(admin_client, zoe, opened, company=str(reds.pk))

    response = send_meanwhile(gate, lock_in_the_other_order, send)

    assert errors_of(response) == {}
    assert (values_of(zoe)["company_id"], values_of(zoe)["role_id"]) == (reds.pk, 7)


def test_a_token_that_is_revoked_meanwhile_stays_revoked(
    acme: NewOrganization, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_token(person=acme.person)
    token = ApiToken.objects.order_by("-id")[0]
    opened = open_form(admin_client, token)
    gate = before_it_commits(monkeypatch)

    def revoke() -> None:
        ApiToken.objects.filter(pk=token.pk).update(revoked=True)

    response = send_meanwhile(gate, hold(revoke), lambda: send_form(admin_client, token, opened, name="Script"))

    assert errors_of(response) == {}
    assert values_of(token).items() >= {"revoked": True, "name": "API"}.items()


def test_an_organization_keeps_what_two_forms_write(
    acme: NewOrganization, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_form(admin_client, acme.organization)
    gate = before_it_commits(monkeypatch)

    response = send_meanwhile(
        gate,
        hold(lambda: send_form(admin_client, acme.organization, opened, name="Acme & Co")),
        lambda: send_form(admin_client, acme.organization, opened, time_zone="UTC", default_currency="EUR"),
    )

    assert errors_of(response) == {}
    now = values_of(acme.organization)
    assert (now["name"], now["time_zone"], now["default_currency"]) == ("Acme & Co", "UTC", "EUR")
