"""Forms of the admin that are sent while an import runs or another form is saved: each write is kept, or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from companies.models import Company
from importsvc.imports.errors import RevertConflict
from importsvc.imports.models import Import, ImportState
from importsvc.imports.services import create_import
from people.models import ApiToken, Person
from people.services import NewOrganization, create_token
from tests.admin_pages import (
    changed_to,
    errors_of,
    open_form,
    read_form,
    send_form,
    url_of,
    values_of,
)
from tests.builders import make_company, make_person
from tests.imports.concurrency.meanwhile import before_it_commits, send_meanwhile
from tests.imports.revert_cases import person
from tests.imports.steps import revert, run
from tests.interleaving import Steps, ask, hold

pytestmark = pytest.mark.django_db(transaction=True)

TAKEN = "Email has already been taken"


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
def test_a_field_that_the_import_does_not_update_is_saved(
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
    # A revert restores the values of the import and leaves the values of the forms.
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
    # The saved value is an edit like any other.
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


@pytest.mark.one_server("a process of the cluster ends deadlocks, in an order of its own")
def test_a_form_in_a_deadlock_is_tried_again(
    acme: NewOrganization, zoe: Person, reds: Company, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_form(admin_client, zoe)
    gate = before_it_commits(monkeypatch)

    def lock_in_the_other_order() -> None:
        # Only the form's connection checks for a deadlock, and only after it has come about.
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


def test_an_organization_keeps_the_values_of_two_concurrent_forms(
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
