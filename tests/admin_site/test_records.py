"""A form writes the fields that were changed in it, and refuses those that changed in the database meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from importsvc.admin_site.records import GONE, NOT_OPENED
from people.models import Person
from people.services import NewOrganization
from tests.admin_pages import (
    SCRIPT,
    errors_of,
    log_in_staff,
    messages_of,
    open_form,
    read_form,
    save,
    send_form,
    url_of,
    values_of,
    write,
)

pytestmark = pytest.mark.django_db

LONG = "x" * 100_000
DEEP: dict[str, Any] = {"z": [1.5, None, {"é": "\u2028"}], "a": LONG}


def test_a_form_has_the_values_it_was_opened_with_for_its_editable_fields_only(
    records: dict[str, Any], admin_client: Client
) -> None:
    for record in records.values():
        assert open_form(admin_client, record)["opened_with"]
        assert "opened_with" not in open_form(admin_client, type(record))


@pytest.mark.parametrize(
    ("kind", "values", "edits"),
    [
        ("company", {"description": LONG, "custom_fields": DEEP, "tag_list": [LONG[:255]] * 100}, {"name": "Blues"}),
        ("person", {"custom_fields": DEEP, "tag_list": ["a\nb", " c "], "title": " x\ny "}, {"last_name": "Ray"}),
    ],
)
def test_long_and_unusual_values_are_not_mistaken_for_changes(
    records: dict[str, Any], admin_client: Client, kind: str, values: dict[str, Any], edits: Any
) -> None:
    record = records[kind]
    write(record, **{**values, "custom_fields": {"a": SCRIPT}})
    opened = open_form(admin_client, record)
    write(record, **values)

    assert errors_of(send_form(admin_client, record, opened, **edits)) == {}

    now = values_of(record)
    assert {name: now[name] for name in (values | edits)} == values | edits


@pytest.mark.parametrize("spoilt", [None, "", "x", "of another record", "of another key"])
def test_a_form_without_the_values_it_was_opened_with_changes_nothing(
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


def test_a_deleted_record_is_not_inserted_again(
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


def test_a_read_only_form_has_no_values_it_was_opened_with(grace: Person) -> None:
    page = log_in_staff(codename="view_person").get(url_of(grace))

    assert page.status_code == 200
    assert page.context["adminform"].form.opened == {}
