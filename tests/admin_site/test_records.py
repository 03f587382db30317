"""A form writes the fields that were changed in it, and refuses those that changed in the database meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from companies.models import Company
from importsvc.admin_site.records import BUSY, CLEARED_MEANWHILE, GONE, NOT_OPENED
from organizations.models import Organization
from people.models import ApiToken, Person
from people.services import NewOrganization
from tests.admin_pages import (
    ESCAPED,
    SCRIPT,
    admin_user,  # noqa: F401 - who admin_client is
    errors_of,
    log_in_staff,
    messages_of,
    open_form,
    read_form,
    save,
    send_form,
    url_of,
    values_of,
)
from tests.builders import make_company, make_person

pytestmark = pytest.mark.django_db

LONG = "x" * 100_000
DEEP: dict[str, Any] = {"z": [1.5, None, {"é": "\u2028"}], "a": LONG}


@pytest.fixture
def company(acme: NewOrganization) -> Company:
    return make_company(organization=acme.organization, name="Reds", description="Old")


@pytest.fixture
def grace(acme: NewOrganization, company: Company) -> Person:
    return make_person(organization=acme.organization, company=company, title="Ms", last_name="Hopper")


def write(record: Any, **values: Any) -> None:
    """What another transaction writes."""
    type(record)._default_manager.filter(pk=record.pk).update(**values)


def changed_to(value: str) -> list[str]:
    return [f"This was changed to “{value}” after the form was opened. Save again to overwrite it."]


# Fields of all kinds: what is written after the form was opened, what the form sends, and how the new value is shown.
FIELDS: list[tuple[str, str, Any, dict[str, str | None], str]] = [
    ("person", "title", "Dr", {"title": "Prof"}, "Dr"),
    ("person", "email", "g@acme.test", {"email": "h@acme.test"}, "g@acme.test"),
    ("person", "is_user", True, {}, ""),  # two who change one of two values agree
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


@pytest.fixture
def records(acme: NewOrganization, company: Company, grace: Person) -> dict[str, Any]:
    Organization.objects.update(time_zone="UTC")
    return {"person": grace, "company": company, "organization": acme.organization, "token": ApiToken.objects.get()}


def test_the_page_carries_the_values_it_was_opened_with_only_where_they_can_be_changed(
    records: dict[str, Any], admin_client: Client
) -> None:
    for record in records.values():
        assert open_form(admin_client, record)["opened_with"]
        assert "opened_with" not in open_form(admin_client, type(record))


@pytest.mark.parametrize(("kind", "field", "value", "edits", "shown"), FIELDS)
def test_a_field_that_was_not_changed_in_the_form_keeps_the_value_written_meanwhile(
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
def test_a_field_that_was_changed_in_both_is_refused_once_and_shows_the_new_value(
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


@pytest.mark.parametrize(
    ("kind", "values", "edits"),
    [
        ("company", {"description": LONG, "custom_fields": DEEP, "tag_list": [LONG[:255]] * 100}, {"name": "Blues"}),
        ("person", {"custom_fields": DEEP, "tag_list": ["a\nb", " c "], "title": " x\ny "}, {"last_name": "Ray"}),
    ],
)
def test_long_and_odd_values_are_carried_and_not_taken_for_changes(
    records: dict[str, Any], admin_client: Client, kind: str, values: dict[str, Any], edits: Any
) -> None:
    record = records[kind]
    write(record, **{**values, "custom_fields": {"a": SCRIPT}})
    opened = open_form(admin_client, record)
    write(record, **values)

    assert errors_of(send_form(admin_client, record, opened, **edits)) == {}

    now = values_of(record)
    assert {name: now[name] for name in (values | edits)} == values | edits


def test_a_new_value_is_shown_as_text_and_not_whole_if_it_is_long(company: Company, admin_client: Client) -> None:
    opened = open_form(admin_client, company)
    write(company, description=SCRIPT + LONG)

    response = send_form(admin_client, company, opened, description="New")

    (message,) = errors_of(response)["description"]
    assert len(message) < 700
    assert ESCAPED in response.content.decode()
    assert SCRIPT not in response.content.decode()


def test_a_value_that_was_cleared_meanwhile_is_said_to_be(grace: Person, admin_client: Client) -> None:
    opened = open_form(admin_client, grace)
    write(grace, title=None, company=None)

    edits = {"title": "Prof", "company": ""}
    assert errors_of(send_form(admin_client, grace, opened, **edits)) == {"title": [CLEARED_MEANWHILE]}


def test_a_company_is_shown_by_its_name(acme: NewOrganization, grace: Person, admin_client: Client) -> None:
    blues, greens = (make_company(organization=acme.organization, name=name) for name in ("Blues", "Greens"))
    opened = open_form(admin_client, grace)
    write(grace, company=blues)

    response = send_form(admin_client, grace, opened, company=str(greens.pk))

    assert errors_of(response) == {"company": changed_to("Blues")}
    assert errors_of(send_form(admin_client, grace, read_form(response))) == {}
    assert values_of(grace)["company_id"] == greens.pk


def test_the_same_change_in_both_is_no_conflict(grace: Person, admin_client: Client) -> None:
    opened = open_form(admin_client, grace)
    write(grace, title="Prof")

    assert errors_of(send_form(admin_client, grace, opened, title="Prof", last_name="Ray")) == {}


def test_a_form_that_is_refused_for_another_reason_remembers_what_it_was_opened_with(
    grace: Person, admin_client: Client
) -> None:
    opened = open_form(admin_client, grace)
    write(grace, title="Dr", role_id=3)

    first = send_form(admin_client, grace, opened, email="nobody", role_id="4")
    assert errors_of(first) == {"email": ["Enter a valid email address."], "role_id": changed_to("3")}
    # Still with the title that it was opened with, which is not the form's to write.
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


@pytest.mark.parametrize("spoilt", [None, "", "x", "of another record", "of another key"])
def test_without_the_values_it_was_opened_with_a_form_changes_nothing(
    acme: NewOrganization, grace: Person, admin_client: Client, spoilt: str | None
) -> None:
    opened = open_form(admin_client, grace)
    if spoilt == "of another record":
        spoilt = open_form(admin_client, acme.person)["opened_with"]
    elif spoilt == "of another key":
        spoilt = signing.dumps({"title": '"Ms"'}, key="x")
    before = values_of(grace)

    response = send_form(admin_client, grace, opened, title="Prof", opened_with=spoilt)

    assert errors_of(response) == {"__all__": [NOT_OPENED]}
    assert errors_of(send_form(admin_client, grace, read_form(response))) == {"__all__": [NOT_OPENED]}
    assert values_of(grace) == before


def test_a_field_that_is_not_sent_is_not_cleared(grace: Person, admin_client: Client) -> None:
    write(grace, custom_fields={"a": 1}, joined_at=timezone.now(), tag_list=["a"])
    before = values_of(grace)
    opened_with = open_form(admin_client, grace)["opened_with"]

    response = admin_client.post(url_of(grace), {"title": "Prof", "opened_with": opened_with})

    assert errors_of(response) == {}
    assert values_of(grace) == {**before, "title": "Prof"}


def test_only_changed_fields_of_the_organizations_own_row_are_written_and_logged(
    grace: Person, admin_client: Client
) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert save(admin_client, grace, title="Prof", tag_list="a") == {}

    (update,) = [query["sql"] for query in queries if query["sql"].startswith('UPDATE "people_person"')]
    columns, _, condition = update.partition(" WHERE ")
    assert columns == """UPDATE "people_person" SET "title" = 'Prof', "tag_list" = ARRAY['a']::varchar(255)[]"""
    assert '"organization_id" = ' in condition
    assert LogEntry.objects.get().get_change_message() == "Changed Title and Tag list."


def test_a_record_that_does_not_exist_any_more_is_not_inserted(
    records: dict[str, Any], acme: NewOrganization, admin_client: Client
) -> None:
    for kind, name in (("token", "API token"), ("person", "person"), ("company", "company")):
        record = records[kind]
        opened = open_form(admin_client, record)
        type(record)._default_manager.filter(pk=record.pk).delete()

        for url, sent in ((url_of(record), opened), (url_of(record, "delete"), {"post": "yes"})):
            response: Any = admin_client.post(url, sent, follow=True)

            assert response.redirect_chain == [(url_of(type(record), "changelist"), 302)]
            assert messages_of(response) == [GONE.format(name)]
        assert not type(record)._default_manager.filter(pk=record.pk).exists()
        assert not LogEntry.objects.exists()


def test_a_form_that_may_only_be_looked_at_carries_nothing_that_matters(grace: Person) -> None:
    page = log_in_staff(codename="view_person").get(url_of(grace))

    assert page.status_code == 200
    assert page.context["adminform"].form.opened == {}


def test_a_conflict_that_does_not_end_is_told_and_nothing_is_written(grace: Person, admin_client: Client) -> None:
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


def test_a_moment_is_carried_to_the_last_microsecond(grace: Person, admin_client: Client) -> None:
    now = timezone.now().replace(microsecond=1)
    write(grace, joined_at=now)
    opened = open_form(admin_client, grace)
    write(grace, joined_at=now.replace(microsecond=2))

    edits = {"joined_at_0": "2020-01-01"}
    assert list(errors_of(send_form(admin_client, grace, opened, **edits))) == ["joined_at"]
    assert errors_of(send_form(admin_client, grace, opened, title="Dr")) == {}
    assert values_of(grace)["joined_at"].microsecond == 2
