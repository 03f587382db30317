"""Staff see which links there are, and revoke them; no page shows a link."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import DELETION, LogEntry
from django.test import Client
from django.utils import timezone

from importsvc.import_sessions.models import ImportSession
from tests.admin_pages import log_in_staff, read, url_of
from tests.builders import make_import_session
from tests.client import ApiClient
from tests.import_sessions.links import APP, make_link

pytestmark = pytest.mark.django_db

LIST = url_of(ImportSession, "changelist")


def show(client: Client, url: str) -> str:
    """The text of a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", read(client, url)).split())


def test_the_list_says_whose_link_it_is_whether_it_was_opened_and_whether_it_still_works(
    api: ApiClient, admin_client: Client
) -> None:
    make_link(api)
    opened = make_link(api, return_url=APP)
    Client().get(opened)
    person = api.caller.person
    at = timezone.now() - timedelta(hours=2)
    make_import_session(person=person, created_at=at)

    sessions = list(ImportSession.objects.order_by("id"))
    assert [session.opened_at is None for session in sessions] == [True, False, True]
    first_opened_at = sessions[1].opened_at
    page = show(admin_client, LIST)
    for session, state in zip(sessions, ("valid", "valid", "expired"), strict=True):
        assert re.search(rf"{session.prefix} Acme {person} .*? {state}", page)
    page = read(admin_client, url_of(sessions[1]))
    assert APP in page
    for secret in (sessions[1].hashed_key, opened.rpartition("/")[2]):
        assert secret not in page
        assert secret not in read(admin_client, LIST)

    Client().head(make_link(api))
    Client().get(opened)
    assert ImportSession.objects.get(pk=sessions[1].pk).opened_at == first_opened_at
    assert ImportSession.objects.latest("id").opened_at is None


def revoke(client: Client, *sessions: ImportSession) -> Any:
    data = {"action": "revoke_selected", ACTION_CHECKBOX_NAME: [session.pk for session in sessions]}
    return client.post(LIST, data, follow=True)


def test_a_revoked_link_opens_nothing_any_more(api: ApiClient, admin_client: Client) -> None:
    link, other = make_link(api), make_link(api)
    browser = Client()
    home = browser.get(link).headers["Location"]
    session = ImportSession.objects.order_by("id")[0]

    response = revoke(admin_client, session)

    assert "Revoked 1 link." in response.content.decode()
    assert list(LogEntry.objects.values_list("object_id", "action_flag")) == [(str(session.pk), DELETION)]
    assert browser.get(home).status_code == 403
    assert Client().get(link).status_code == 403
    assert Client().get(other).status_code == 302


@pytest.mark.parametrize("may_revoke", [False, True])
def test_revoking_takes_its_permission(api: ApiClient, may_revoke: bool) -> None:
    make_link(api)
    codenames = ["view_importsession", *(["delete_importsession"] if may_revoke else [])]
    client = log_in_staff(codename__in=codenames)

    assert ("Revoke selected links" in read(client, LIST)) == may_revoke
    revoke(client, ImportSession.objects.get())

    assert ImportSession.objects.exists() != may_revoke
