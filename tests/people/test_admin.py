"""The admin of people and tokens, and of new organizations, which start with both."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from organizations.models import Organization
from people.authentication import find_token
from people.models import ApiToken, Person
from people.services import NewOrganization, create_token
from tests.admin_pages import (
    SCRIPT,
    log_in_staff,
    messages_of,
    read,
    read_told_tokens,
    save,
    url_of,
)
from tests.builders import make_organization, make_person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("email", ["ada@acme.test", "ADA@Acme.TEST"])
def test_an_address_that_is_taken_is_an_error(acme: NewOrganization, admin_client: Client, email: str) -> None:
    taken = {"__all__": ["Email has already been taken"]}
    person = make_person(organization=acme.organization, email="grace@acme.test")
    assert save(admin_client, person, email=email) == taken
    organization = str(acme.organization.pk)
    assert save(admin_client, Person, organization=organization, first_name="New", email=email) == taken

    other = str(make_organization().organization.pk)
    assert save(admin_client, Person, organization=other, first_name="New", email=email) == {}


def test_several_people_may_have_no_address(acme: NewOrganization, admin_client: Client) -> None:
    for name in ("A", "B"):
        assert save(admin_client, Person, organization=str(acme.organization.pk), first_name=name) == {}
    assert Person.objects.filter(email=None).count() == 2


def test_a_person_cannot_have_a_company_of_another_organization(acme: NewOrganization, admin_client: Client) -> None:
    foreign = make_organization().person.company
    assert foreign is not None
    refused = {"company": ["This company belongs to another organization."]}
    person = make_person(organization=acme.organization)
    assert save(admin_client, person, company=str(foreign.pk)) == refused
    organization = str(acme.organization.pk)
    assert save(admin_client, Person, organization=organization, first_name="New", company=str(foreign.pk)) == refused
    assert save(admin_client, person, company=str(acme.person.company_id)) == {}


def test_a_new_organization_starts_with_a_company_and_a_user_whose_token_is_shown_once(admin_client: Client) -> None:
    edits = {"name": " Globex ", "time_zone": "Europe/Zagreb", "email": "hank@globex.test", "last_name": "Scorpio"}
    assert save(admin_client, Organization, **edits) == {}

    person = Person.objects.select_related("organization", "company").get()
    assert person.company is not None
    assert (person.organization.name, person.organization.time_zone) == ("Globex", "Europe/Zagreb")
    assert (str(person), person.company.name, person.is_user) == ("hank Scorpio", "Globex", True)
    (told,) = read_told_tokens(admin_client)
    token = find_token(told)
    assert token is not None
    assert token.person == person
    assert read_told_tokens(admin_client) == []
    history = admin_client.get(url_of(person.organization, "history")).content.decode()
    assert "Added." in history


def test_a_new_organization_needs_its_first_user(admin_client: Client) -> None:
    errors = save(admin_client, Organization, name="", time_zone="Mars/Base", email="nobody")
    assert sorted(errors) == ["email", "name", "time_zone"]
    assert not Organization.objects.exists()


def test_a_new_token_is_shown_once(acme: NewOrganization, admin_client: Client) -> None:
    assert save(admin_client, ApiToken, person=str(acme.person.pk), name="Script") == {}
    (told,) = read_told_tokens(admin_client)
    token = find_token(told)
    assert token is not None
    assert (token.person, token.name) == (acme.person, "Script")
    for page in (url_of(ApiToken, "changelist"), url_of(token), url_of(token, "history")):
        shown = admin_client.get(page).content.decode()
        assert token.prefix in shown
        assert told not in shown


def test_a_new_token_comes_with_a_button_that_copies_it(acme: NewOrganization, admin_client: Client) -> None:
    save(admin_client, ApiToken, person=str(acme.person.pk), name="Script")
    page = read(admin_client, "/admin/")
    assert re.search(r'<code id="token">\w{8}\.\w{32}</code>', page)
    assert 'data-copies="token"' in page
    assert '<script src="/static/importsvc/copy.js">' in page


def test_the_name_in_the_message_with_a_token_is_escaped(acme: NewOrganization, admin_client: Client) -> None:
    evil = make_person(organization=acme.organization, first_name=SCRIPT)
    save(admin_client, ApiToken, person=str(evil.pk), name="Script")
    assert SCRIPT not in read(admin_client, "/admin/")


def test_the_list_shows_which_tokens_are_valid(acme: NewOrganization, admin_client: Client) -> None:
    for edits in ({"revoked": True}, {"expiry_date": timezone.now() - timedelta(days=1)}):
        create_token(person=acme.person)
        ApiToken.objects.filter(pk=ApiToken.objects.order_by("-id")[:1]).update(**edits)
    page = read(admin_client, url_of(ApiToken, "changelist"))
    states = re.findall(r'data-label="state"> ?<span.*?> (\w+) </span>', page)
    assert states == ["expired", "revoked", "valid"]


def test_selected_tokens_are_revoked_and_that_is_logged(acme: NewOrganization, admin_client: Client) -> None:
    token = ApiToken.objects.get()
    create_token(person=acme.person)
    revoked = ApiToken.objects.exclude(pk=token.pk).get()
    assert save(admin_client, revoked, revoked="on") == {}
    selection = {"action": "revoke_selected", "_selected_action": [token.pk, revoked.pk]}

    staff = log_in_staff(codename="view_apitoken")
    staff.post(url_of(ApiToken, "changelist"), selection)
    assert find_token(acme.token) is not None

    response = admin_client.post(url_of(ApiToken, "changelist"), selection, follow=True)
    assert messages_of(response)[-1] == "Revoked 1 token."
    assert find_token(acme.token) is None
    assert LogEntry.objects.get(object_id=str(token.pk)).get_change_message() == "Revoked."


def test_the_hash_of_a_token_is_never_shown(acme: NewOrganization, admin_client: Client) -> None:
    token = ApiToken.objects.get()
    save(admin_client, token, name="Renamed")
    pages = [url_of(ApiToken, "changelist"), url_of(token), url_of(token, "history"), url_of(acme.person, "delete")]
    for page in [*pages, "/admin/"]:
        response = admin_client.get(page)
        assert response.status_code == 200
        assert token.hashed_key.rpartition("$")[2] not in response.content.decode()


@pytest.mark.parametrize("field", ["deactivated_at", "archived_at"])
def test_a_token_for_a_person_without_access_is_refused(
    acme: NewOrganization, admin_client: Client, field: str
) -> None:
    now: dict[str, Any] = {field: timezone.now()}
    gone = make_person(organization=acme.organization, **now)
    errors = save(admin_client, ApiToken, person=str(gone.pk), name="Script")
    assert errors["person"][0].endswith("a token would not work.")


def test_a_revoked_token_stays_revoked_and_cannot_be_edited(acme: NewOrganization, admin_client: Client) -> None:
    token = ApiToken.objects.get()
    other = make_person(organization=acme.organization)
    assert save(admin_client, token, revoked="on", name="Old", person=str(other.pk)) == {}
    assert find_token(acme.token) is None

    admin_client.post(url_of(token), {"name": "New"})
    token.refresh_from_db()
    assert (token.revoked, token.name, token.person) == (True, "Old", acme.person)


def test_a_person_with_a_token_can_be_deleted(acme: NewOrganization, admin_client: Client) -> None:
    person = make_person(organization=acme.organization)
    create_token(person=person)
    admin_client.post(url_of(person, "delete"), {"post": "yes"})
    assert not Person.objects.filter(pk=person.pk).exists()


def test_scopes_and_expiry_of_a_token_are_chosen_and_shown(acme: NewOrganization, admin_client: Client) -> None:
    edits = {"person": str(acme.person.pk), "name": "Script", "can_import": None, "can_revert": None}
    assert save(admin_client, ApiToken, **edits, expiry_date_0="2099-01-02", expiry_date_1="03:04:05") == {}
    token = ApiToken.objects.get(name="Script")
    assert (token.scopes, str(token.expiry_date)) == (["read"], "2099-01-02 03:04:05+00:00")
    page = read(admin_client, url_of(ApiToken, "changelist"))
    assert re.findall(r'data-label="scopes"> ?([^<]*?) ?<', page) == ["read", "read, import, revert"]
    assert "2099-01-02" in page

    assert save(admin_client, token, can_read=None, can_revert="on") == {}
    token.refresh_from_db()
    assert token.scopes == ["revert"]
    assert save(admin_client, token, can_revert=None) == {"__all__": ["A token needs a scope at least."]}
