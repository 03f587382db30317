"""Time stamps have three decimals and the offset of the organization's time zone at that time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from companies.models import Company
from organizations.models import Organization
from people.models import Person
from tests.builders import make_import
from tests.client import ApiClient, document_of


@pytest.mark.parametrize(
    ("zone", "instant", "written"),
    [
        ("Europe/Zagreb", datetime(2024, 1, 15, 9, tzinfo=UTC), "2024-01-15T10:00:00.000+01:00"),
        ("Europe/Zagreb", datetime(2024, 7, 15, 9, tzinfo=UTC), "2024-07-15T11:00:00.000+02:00"),
        ("Europe/Zagreb", datetime(2024, 10, 27, 0, 30, tzinfo=UTC), "2024-10-27T02:30:00.000+02:00"),
        ("Europe/Zagreb", datetime(2024, 10, 27, 1, 30, tzinfo=UTC), "2024-10-27T02:30:00.000+01:00"),
        ("Europe/Zagreb", datetime(2024, 12, 31, 23, 30, tzinfo=UTC), "2025-01-01T00:30:00.000+01:00"),
        ("Europe/Zagreb", datetime(2024, 1, 15, 9, 0, 0, 1_000, tzinfo=UTC), "2024-01-15T10:00:00.001+01:00"),
        ("Europe/Zagreb", datetime(2024, 1, 15, 9, 0, 0, 999_999, tzinfo=UTC), "2024-01-15T10:00:00.999+01:00"),
        ("UTC", datetime(2024, 7, 15, 9, tzinfo=UTC), "2024-07-15T09:00:00.000+00:00"),
        ("America/St_Johns", datetime(2024, 1, 15, 9, tzinfo=UTC), "2024-01-15T05:30:00.000-03:30"),
        ("Asia/Kathmandu", datetime(2024, 1, 15, 9, tzinfo=UTC), "2024-01-15T14:45:00.000+05:45"),
    ],
)
def test_time_stamps_are_in_the_organizations_zone_also_when_included(
    api: ApiClient, zone: str, instant: datetime, written: str
) -> None:
    person = api.caller.person
    Organization.objects.filter(pk=person.organization_id).update(time_zone=zone, created_at=instant)
    Company.objects.filter(people=person).update(created_at=instant, archived_at=instant)
    Person.objects.filter(pk=person.pk).update(joined_at=instant, invited_at=instant, created_at=instant)
    made = make_import(creator=person, started_at=instant, processed_at=instant, reverted_at=instant)

    document = document_of(api.get(f"imports/{made.pk}"))
    organization = document_of(api.get(f"organizations/{person.organization_id}"))["data"]

    shown = [document["data"], *document["included"], organization]
    names = {
        "imports": ["started_at", "processed_at", "reverted_at"],
        "people": ["joined_at", "invited_at", "created_at"],
        "companies": ["created_at", "archived_at"],
        "organizations": ["created_at"],
    }
    for resource in shown:
        found = {name: resource["attributes"][name] for name in names[resource["type"]]}
        assert found == dict.fromkeys(names[resource["type"]], written)


def test_a_time_stamp_that_is_not_set_is_null(api: ApiClient) -> None:
    attributes = document_of(api.get(f"people/{api.caller.person.pk}"))["data"]["attributes"]

    assert [attributes[name] for name in ("deactivated_at", "archived_at", "invited_at")] == [None, None, None]
