"""A form refuses a field that changed both in it and in the database, and keeps what changed in one of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.utils import timezone

from companies.models import Company
from importsvc.admin_site.records import BUSY, CLEARED_MEANWHILE
from people.models import ApiToken, Person
from people.services import NewOrganization
from tests.admin_pages import (
    ESCAPED,
    SCRIPT,
    changed_to,
    errors_of,
    messages_of,
    open_form,
    read_form,
    send_form,
    url_of,
    values_of,
    write,
)
from tests.builders import make_company

pytestmark = pytest.mark.django_db

LONG = "x" * 100_000

# Fields of all kinds: what is written after the form was opened, what the form sends, and how the new value is shown.
FIELDS: list[tuple[str, str, Any, dict[str, str | None], str]] = [
    ("person", "title", "Dr", {"title": "Prof"}, "Dr"),
    ("person", "email", "g@acme.test", {"email": "h@acme.test"}, "g@acme.test"),
    ("person", "is_user", True, {}, ""),  # a change to the only other value is the same change
    ("person", "role_id", 1, {"role_id": "2"}, "1"),
    ("person", "tag_list", ["a, b", "c"], {"tag_list": "d"}, "a, b, c"),
    ("person", "custom_fields", {"a": 1}, {"custom_fields": '{"a": 1.0}'}, '{"a": 1}'),
    (
        "person",
        "archived_at",
        datetime(2024, 1, 15, 9, 0, 0, 123456, tzinfo=UTC),
        {"archived_at_0": "2024-01-16", "archived_at_1": "09:00:00"},
        "2024-01-15 09:00:00 UTC",
    ),
    ("company", "description", "Two\nlines\r\nor three", {"description": "Three\r\nlines"}, "Two\nlines\r\nor three"),
    ("company", "avatar_url", "https://a.test/b", {"avatar_url": "https://a.test/c"}, "https://a.test/b"),
    ("company", "due_days", 14, {"due_days": "30"}, "14"),
    ("organization", "time_zone", "Europe/Zagreb", {"time_zone": "Asia/Kathmandu"}, "Europe/Zagreb"),
    (
        "organization",
        "features",
        {"webhooks": {"available": False}},
        {"features": '{"expenses_approvals": {"available": false}}'},
        '{"webhooks": {"available": false}}',
    ),
    ("token", "name", "Cron", {"name": "Script"}, "Cron"),
]


@pytest.mark.parametrize(("kind", "field", "value", "edits", "shown"), FIELDS)
def test_a_field_not_changed_in_the_form_keeps_the_value_written_meanwhile(
    records: dict[str, Any], admin_client: Client, kind: str, field: str, value: Any, edits: Any, shown: str
) -> None:
    record = records[kind]
    opened = open_form(admin_client, record)
    write(record, **{field: value})
    other = "last_name" if kind == "person" else "expiry_date_0" if kind == "token" else "default_currency"
    edit = {"last_name": "Ray", "expiry_date_0": "2099-01-01", "default_currency": "EUR"}[other]
    also = {"expiry_date_1": "00:00:00"} if kind == "token" else {}

    assert errors_of(send_form(admin_client, record, opened, **{other: edit}, **also)) == {}

    now = values_of(record)
    assert now[field] == value
    assert str(now[other.removesuffix("_0")]).startswith(edit)


@pytest.mark.parametrize(("kind", "field", "value", "edits", "shown"), [each for each in FIELDS if each[3]])
def test_a_field_changed_in_the_form_and_in_the_database_is_refused_once_and_shows_the_new_value(
    records: dict[str, Any], admin_client: Client, kind: str, field: str, value: Any, edits: Any, shown: str
) -> None:
    record = records[kind]
    opened = open_form(admin_client, record)
    write(record, **{field: value})
    before = values_of(record)

    response = send_form(admin_client, record, opened, **edits)

    assert errors_of(response) == {field: changed_to(shown)}
    assert values_of(record) == before
    # The page shows what was typed, and counts as opened with the value that it shows beside it.
    assert errors_of(send_form(admin_client, record, read_form(response))) == {}
    assert repr(values_of(record)[field]) != repr(before[field])


def test_the_new_value_is_escaped_and_cut_if_it_is_long(company: Company, admin_client: Client) -> None:
    opened = open_form(admin_client, company)
    write(company, description=SCRIPT + LONG)

    response = send_form(admin_client, company, opened, description="New")

    (message,) = errors_of(response)["description"]
    assert len(message) < 700
    assert ESCAPED in response.content.decode()
    assert SCRIPT not in response.content.decode()


def test_the_refusal_says_that_a_value_was_cleared_meanwhile(grace: Person, admin_client: Client) -> None:
    opened = open_form(admin_client, grace)
    write(grace, title=None, company=None)

    edits = {"title": "Prof", "company": ""}
    assert errors_of(send_form(admin_client, grace, opened, **edits)) == {"title": [CLEARED_MEANWHILE]}


def test_the_refusal_shows_a_company_by_its_name(acme: NewOrganization, grace: Person, admin_client: Client) -> None:
    blues, greens = (make_company(organization=acme.organization, name=name) for name in ("Blues", "Greens"))
    opened = open_form(admin_client, grace)
    write(grace, company=blues)

    response = send_form(admin_client, grace, opened, company=str(greens.pk))

    assert errors_of(response) == {"company": changed_to("Blues")}
    assert errors_of(send_form(admin_client, grace, read_form(response))) == {}
    assert values_of(grace)["company_id"] == greens.pk


def test_the_same_change_in_the_form_and_in_the_database_is_no_conflict(grace: Person, admin_client: Client) -> None:
    opened = open_form(admin_client, grace)
    write(grace, title="Prof")

    assert errors_of(send_form(admin_client, grace, opened, title="Prof", last_name="Ray")) == {}


def test_a_form_refused_for_another_reason_keeps_the_values_it_was_opened_with(
    grace: Person, admin_client: Client
) -> None:
    opened = open_form(admin_client, grace)
    write(grace, title="Dr", role_id=3)

    first = send_form(admin_client, grace, opened, email="nobody", role_id="4")
    assert errors_of(first) == {"email": ["Enter a valid email address."], "role_id": changed_to("3")}
    # The form still has the title that it was opened with, and does not write it.
    assert errors_of(send_form(admin_client, grace, read_form(first), email="g@acme.test")) == {}

    now = values_of(grace)
    assert (now["title"], now["role_id"], now["email"]) == ("Dr", 4, "g@acme.test")


def test_a_value_that_changes_again_is_refused_again(grace: Person, admin_client: Client) -> None:
    response = send_form(admin_client, grace, open_form(admin_client, grace), title="")
    assert errors_of(response) == {}
    opened = open_form(admin_client, grace)
    for title in ("Dr", "Prof"):
        write(grace, title=title)
        response = send_form(admin_client, grace, opened, title="Sir")
        assert errors_of(response) == {"title": changed_to(title)}
        opened = read_form(response)

    assert errors_of(send_form(admin_client, grace, opened)) == {}
    assert values_of(grace)["title"] == "Sir"


def test_an_outdated_value_of_a_field_that_was_not_changed_is_not_validated(
    acme: NewOrganization, grace: Person, company: Company, admin_client: Client
) -> None:
    opened = open_form(admin_client, grace)
    write(grace, company=acme.person.company)
    company.delete()

    assert errors_of(send_form(admin_client, grace, opened, last_name="Ray")) == {}
    assert values_of(grace)["company_id"] == acme.person.company_id


@pytest.mark.one_server("triggers are refused on distributed tables")
def test_a_lasting_write_conflict_is_reported_and_nothing_is_written(grace: Person, admin_client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE unique_violation; END $$;"
            " CREATE TRIGGER refuse BEFORE UPDATE OR DELETE ON people_person EXECUTE FUNCTION refuse()"
        )
    before = values_of(grace)

    for page, sent in (("change", {**open_form(admin_client, grace), "title": "Prof"}), ("delete", {"post": "yes"})):
        response: Any = admin_client.post(url_of(grace, page), sent, follow=True)

        assert response.redirect_chain == [(url_of(grace, page), 302)]
        assert messages_of(response) == [BUSY]
    assert values_of(grace) == before
    assert not LogEntry.objects.exists()


def test_a_token_that_is_revoked_meanwhile_stays_revoked(acme: NewOrganization, admin_client: Client) -> None:
    token = ApiToken.objects.get()
    opened = open_form(admin_client, token)
    write(token, revoked=True)

    assert errors_of(send_form(admin_client, token, opened, name="Script")) == {}

    assert values_of(token).items() >= {"revoked": True, "name": token.name}.items()


def test_date_times_keep_their_microseconds_in_the_form(grace: Person, admin_client: Client) -> None:
    now = timezone.now().replace(microsecond=1)
    write(grace, joined_at=now)
    opened = open_form(admin_client, grace)
    write(grace, joined_at=now.replace(microsecond=2))

    edits = {"joined_at_0": "2020-01-01"}
    assert list(errors_of(send_form(admin_client, grace, opened, **edits))) == ["joined_at"]
    assert errors_of(send_form(admin_client, grace, opened, title="Dr")) == {}
    assert values_of(grace)["joined_at"].microsecond == 2
