"""People, companies and organizations: whole documents, and filters (contract, section 2.6)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from organizations.models import Organization
from tests.builders import PUBLISHED_ROWS, make_company, make_import, make_person
from tests.client import ApiClient, document_of

AT = datetime(2024, 7, 15, 9, tzinfo=UTC)
SHOWN_AT = "2024-07-15T11:00:00.000+02:00"


def features(**used: int) -> dict[str, Any]:
    limits = {
        "custom_fields": 15,
        "custom_fields_per_project": 10,
        "public_custom_reports": 30,
        "private_custom_reports": 30,
        "scheduling_placeholders": 5,
    }
    switches = (
        "multigrouping client_access_to_budgets subsidiaries time_approvals expenses_approvals timeoff_approvals"
        " autotracking forecasting webhooks table_pivoting formula_fields single_sign_on"
    )
    return {
        **{name: {"type": "metered", "limit": limit, "used": used.get(name, 0)} for name, limit in limits.items()},
        **{name: {"type": "switch", "available": True} for name in switches.split()},
    }


def organization_linkage(api: ApiClient) -> dict[str, Any]:
    return {"data": {"type": "organizations", "id": api.caller.organization.pk}}


def test_the_document_of_a_company(api: ApiClient) -> None:
    made = make_company(
        organization=api.caller.organization,
        name="Globex",
        default_currency="EUR",
        created_at=AT,
        archived_at=AT,
        avatar_url="https://example.com/a.png",
        invoice_email_recipients={"to": ["a@example.com"]},
        custom_fields={"42": [1, None, "a"]},
        description="Makes\nthings",
        due_days=30,
        tag_list=["a", "b"],
    )

    assert document_of(api.get(f"companies/{made.pk}")) == {
        "data": {
            "id": str(made.pk),
            "type": "companies",
            "attributes": {
                "name": "Globex",
                "default_currency": "EUR",
                "created_at": SHOWN_AT,
                "archived_at": SHOWN_AT,
                "avatar_url": "https://example.com/a.png",
                "invoice_email_recipients": {"to": ["a@example.com"]},
                "custom_fields": {"42": [1, None, "a"]},
                "description": "Makes\nthings",
                "due_days": 30,
                "tag_list": ["a", "b"],
            },
            "relationships": {"organization": organization_linkage(api), "bill_to": {"data": None}},
        },
        "meta": {"organization_features": features()},
    }


def test_the_document_of_a_contact(api: ApiClient) -> None:
    company = make_company(organization=api.caller.organization, name="Globex")
    made = make_person(
        organization=api.caller.organization,
        company=company,
        first_name="Hank",
        last_name="Scorpio",
        email="hank@globex.test",
        title="President",
        created_at=AT,
        tag_list=["villain"],
        custom_fields={"1": "a"},
        color_id=4,
    )

    assert document_of(api.get(f"people/{made.pk}")) == {
        "data": {
            "id": str(made.pk),
            "type": "people",
            "attributes": {
                "first_name": "Hank",
                "last_name": "Scorpio",
                "email": "hank@globex.test",
                "title": "President",
                "joined_at": None,
                "last_seen_at": None,
                "deactivated_at": None,
                "archived_at": None,
                "role_id": None,
                "invited_at": None,
                "is_user": False,
                "tag_list": ["villain"],
                "avatar_url": None,
                "virtual": False,
                "custom_fields": {"1": "a"},
                "autotracking": False,
                "created_at": SHOWN_AT,
                "placeholder": False,
                "color_id": 4,
                "private_custom_reports_used": 0,
            },
            "relationships": {
                "organization": organization_linkage(api),
                "company": {"data": {"type": "companies", "id": str(company.pk)}},
                "subsidiary": {"data": None},
            },
        },
        "meta": {"organization_features": features()},
    }


def test_a_person_without_a_company_has_an_empty_relationship(api: ApiClient) -> None:
    made = make_person(organization=api.caller.organization)

    document = document_of(api.get(f"people/{made.pk}?include=company"))

    assert document["data"]["relationships"]["company"] == {"data": None}
    assert document["included"] == []


def test_the_document_of_an_organization(api: ApiClient) -> None:
    own = api.caller.organization
    Organization.objects.filter(pk=own.pk).update(created_at=AT, default_currency="EUR")

    document = document_of(api.get(f"organizations/{own.pk}"))

    assert document == {
        "data": {
            "id": str(own.pk),
            "type": "organizations",
            "attributes": {
                "name": "Acme",
                "time_zone": "Europe/Zagreb",
                "default_currency": "EUR",
                "created_at": SHOWN_AT,
            },
        },
        "meta": {"organization_features": features()},
    }


def test_a_new_organization_starts_with_its_company_and_its_first_person(api: ApiClient) -> None:
    person = document_of(api.get("people?include=company"))

    attributes = person["data"][0]["attributes"]
    assert (attributes["is_user"], attributes["role_id"]) == (True, 1)
    assert attributes["joined_at"] is not None
    assert [(each["attributes"]["name"], each["attributes"]["default_currency"]) for each in person["included"]] == [
        ("Acme", "USD")
    ]


def test_features_show_the_grants_and_the_usage_of_the_organization(api: ApiClient) -> None:
    own = api.caller.organization
    own.features = {"custom_fields": {"limit": 50}, "webhooks": {"available": False}}
    own.save()
    make_person(organization=own, placeholder=True)
    make_person(organization=own, placeholder=True, private_custom_reports_used=3)
    make_person(organization=own, private_custom_reports_used=4)

    expected = features(scheduling_placeholders=2, private_custom_reports=7)
    expected["custom_fields"]["limit"] = 50
    expected["webhooks"]["available"] = False
    for path in "imports", "people", f"organizations/{own.pk}":
        shown = document_of(api.get(path))["meta"]["organization_features"]
        assert (shown, list(shown)) == (expected, list(expected))


@pytest.fixture
def known(api: ApiClient) -> dict[str, str]:
    """Ids of records by name: records of one import, and further ones."""
    organization = api.caller.organization
    other = make_company(organization=organization, name="Other, Inc.")
    twin = make_company(organization=organization, name="OTHER, inc.")
    grace = make_person(organization=organization, company=other, email="Grace@example.com")
    api.run(PUBLISHED_ROWS)
    people, companies = (document_of(api.get(path))["data"] for path in ("people", "companies"))
    return {
        "ada": people[0]["id"],
        "grace": str(grace.pk),
        "john": people[-1]["id"],
        "acme": companies[0]["id"],
        "other": str(other.pk),
        "twin": str(twin.pk),
        "import": companies[-1]["id"],
        "run": document_of(api.get("imports"))["data"][0]["id"],
        "staged": str(make_import(creator=api.caller.person).pk),
    }


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("people", "ada grace john"),
        ("people?sort=-id", "john grace ada"),
        ("people?filter[id]={ada},{john}", "ada john"),
        ("people?filter[id][]={ada}&filter[id][]={john}", "ada john"),
        ("people?filter[email]=gRACE@EXAMPLE.com", "grace"),
        ("people?filter[email]=grace@example.com&filter[email]=john@mail.com", "grace john"),
        ("people?filter[email]=grace@example.com,john@mail.com", ""),
        ("people?filter[company_id]={other}", "grace"),
        ("people?filter[company_id]={other},{import}", "grace john"),
        ("people?filter[import_id]={run}", "john"),
        ("people?filter[import_id]={staged}", ""),
        ("people?filter[import_id]={run},{staged}&filter[id]={john},{ada}", "john"),
        ("companies", "acme other twin import"),
        ("companies?sort=-id&page[size]=1", "import"),
        ("companies?filter[id]={acme}", "acme"),
        ("companies?filter[name]=other, INC.", "other twin"),
        ("companies?filter[name]=acme&filter[name]=import", "acme import"),
        ("companies?filter[name]=oth", ""),
        ("companies?filter[import_id]={run}", "import"),
        ("companies?filter[import_id]={staged}", ""),
        (f"companies?filter[import_id]={2**63}", ""),
    ],
)
def test_records_are_found_by_filters(api: ApiClient, known: dict[str, str], path: str, found: str) -> None:
    names = {("people" if name in ("ada", "grace", "john") else "companies", key): name for name, key in known.items()}

    response = api.get(path.format(**known).replace(" ", "%20"))

    shown = document_of(response)
    assert " ".join(names[each["type"], each["id"]] for each in shown["data"]) == found


def test_records_removed_by_a_revert_are_not_found(api: ApiClient, known: dict[str, str]) -> None:
    assert api.request("PATCH", f"imports/{known['run']}/revert").status_code == 200

    for path in "people", "companies":
        assert document_of(api.get(f"{path}?filter[import_id]={known['run']}"))["data"] == []
