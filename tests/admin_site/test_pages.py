"""The pages of the admin: organizations, people, companies and tokens can be viewed and edited."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.test import Client
from django.urls import NoReverseMatch
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework_api_key.models import APIKey

from companies.models import Company
from importsvc.imports.services import create_import, preview_revert, revert_import, run_import
from organizations.models import Organization
from people.models import ApiToken, Person
from people.services import NewOrganization
from tests.admin_pages import (
    SCRIPT,
    read,
    save,
    url_of,
    values_of,
)
from tests.builders import (
    make_company,
    make_delivery,
    make_endpoint,
    make_import,
    make_import_session,
    make_operation,
    make_organization,
    make_person,
)

pytestmark = pytest.mark.django_db


# Models whose records only the service makes.
NEVER_ADDED = {
    "files.ImportFile",
    "import_sessions.ImportSession",
    "imports.Import",
    "operations.Operation",
    "webhooks.WebhookDelivery",
}


def model_admins() -> list[Any]:
    return [pytest.param(model_admin, id=model._meta.label) for model, model_admin in admin.site._registry.items()]


@pytest.mark.parametrize("model_admin", model_admins())
def test_every_page_is_served(acme: NewOrganization, admin_client: Client, model_admin: ModelAdmin[Any]) -> None:
    make_import(creator=acme.person)
    make_delivery(endpoint=make_endpoint(organization=acme.organization))
    make_operation(creator=acme.person)
    make_import_session(person=acme.person)
    pages = [url_of(model_admin.model, "changelist")]
    pages += [f"{pages[0]}?q=1", f"{pages[0]}?q=x%00", f"{pages[0]}?_facets=True"]
    try:
        add = admin_client.get(url_of(model_admin.model, "add"))
        is_never_added = model_admin.model._meta.label in NEVER_ADDED
        assert add.status_code == (403 if is_never_added else 200)
    except NoReverseMatch:
        pytest.fail("There is no page to add one")
    record = model_admin.model._default_manager.first()
    if record is not None:
        pages += [url_of(record, "change"), url_of(record, "history")]
    for page in pages:
        assert admin_client.get(page, follow=True).status_code == 200


@pytest.mark.parametrize("model_admin", model_admins())
def test_every_column_can_be_sorted_by(
    acme: NewOrganization, admin_client: Client, model_admin: ModelAdmin[Any]
) -> None:
    make_import(creator=acme.person)
    for column in range(1, len(model_admin.list_display) + 1):
        for order in (column, -column):
            response = admin_client.get(url_of(model_admin.model, "changelist"), {"o": order})
            assert response.status_code == 200


def test_the_front_page_has_the_name_of_the_service_and_no_model_of_a_library(admin_client: Client) -> None:
    page = read(admin_client, "/admin/")
    assert "<title> Administration | importsvc</title>" in page
    assert not admin.site.is_registered(APIKey)


@pytest.mark.parametrize("model", [Company, Person, ApiToken, Organization])
def test_lists_cost_a_fixed_number_of_queries(
    acme: NewOrganization,
    admin_client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
    model: Any,
) -> None:
    # 1. the session, 2. its user, 3. the number of records, 4. the records of the page;
    # of people and companies: 5. the last imports of all records of the page;
    # the organizations of the filter are only queried when its field is typed in
    queries = 5 if model in (Company, Person) else 4
    for shown in (1, 11):
        with django_assert_num_queries(queries):
            response = admin_client.get(url_of(model, "changelist"))
        assert len(response.context["cl"].result_list) == shown
        for number in range(10):
            make_organization(name=f"Organization{number}")


def test_saving_an_unedited_form_changes_nothing(acme: NewOrganization, admin_client: Client) -> None:
    now = timezone.now()
    assert now.microsecond
    company = make_company(
        organization=acme.organization,
        name="Odd",
        description="Two\nlines\r\nor three",
        tag_list=["with, comma", "plain"],
        custom_fields={"z": 1.5, "a": ["é", None]},
        archived_at=now,
    )
    person = make_person(organization=acme.organization, company=company, joined_at=now, invited_at=now, email="A@b.cd")
    acme.organization.features = {"webhooks": {"available": False}}
    acme.organization.save()
    for record in (company, person, make_company(organization=acme.organization, name="Plain"), acme.organization):
        before = values_of(record)
        assert save(admin_client, record) == {}
        assert values_of(record) == before


def test_a_record_saved_without_edits_can_be_reverted_and_an_edited_one_cannot(
    acme: NewOrganization, admin_client: Client
) -> None:
    rows = {
        "company": [{"name": "New", "description": "Two\nlines", "tag_list": ["a, b"], "custom_fields": {"x": [1.0]}}],
        "person": [{"first_name": "John", "company": "New"}],
    }
    import_id = create_import(organization=acme.organization, creator=acme.person, import_data=rows).pk
    run_import(organization=acme.organization, import_id=import_id)
    company, person = Company.objects.get(name="New"), Person.objects.get(first_name="John")

    save(admin_client, company)
    save(admin_client, person)
    assert preview_revert(organization=acme.organization, import_id=import_id).find_conflicts() is None

    save(admin_client, person, title="Boss")
    with pytest.raises(Exception, match="1 change or reference"):
        revert_import(organization=acme.organization, import_id=import_id)


def test_blank_input_is_null_where_the_api_says_null(acme: NewOrganization, admin_client: Client) -> None:
    company = make_company(
        organization=acme.organization, name="C", description="x", avatar_url="https://a.test/b", custom_fields={"a": 1}
    )
    person = make_person(organization=acme.organization, last_name="x", email="x@y.test", title="x", custom_fields={})
    blank = {"avatar_url": "", "custom_fields": ""}
    assert save(admin_client, company, description=" \n", **blank) == {}
    assert save(admin_client, person, last_name=" ", email="", title="", tag_list="", **blank) == {}
    company.refresh_from_db()
    person.refresh_from_db()
    assert (company.description, company.avatar_url, company.custom_fields) == (None, None, None)
    assert (person.last_name, person.email, person.title, person.custom_fields) == (None, None, None, None)
    assert person.tag_list == []


def test_blank_input_is_empty_where_null_is_not_possible(acme: NewOrganization, admin_client: Client) -> None:
    company = make_company(organization=acme.organization, name="C", invoice_email_recipients={"to": ["a@b.test"]})
    assert save(admin_client, company, invoice_email_recipients="") == {}
    assert save(admin_client, acme.organization, features="") == {}
    company.refresh_from_db()
    acme.organization.refresh_from_db()
    assert company.invoice_email_recipients == acme.organization.features == {}


def test_edited_values_are_stored(acme: NewOrganization, admin_client: Client) -> None:
    company = make_company(organization=acme.organization, name="C")
    edits = {"description": "a\r\nb", "tag_list": "one\r\n\r\n two, three ", "custom_fields": '{"a": {"b": [1]}}'}
    assert save(admin_client, company, **edits) == {}
    company.refresh_from_db()
    assert (company.description, company.tag_list) == ("a\nb", ["one", "two, three"])
    assert company.custom_fields == {"a": {"b": [1]}}


@pytest.mark.parametrize(
    "written",
    [
        "{",
        "5",
        "[]",
        '"text"',
        "NaN",
        '{"a": 1e999}',
        '{"a": 1, "a": 2}',
        r'{"a": "\u0000"}',
        r'{"\ud800": 1}',
        "[" * 5000,
        f'{{"a": {"9" * 5000}}}',
    ],
)
def test_input_that_is_no_json_object_is_an_error_and_is_shown_again_as_typed(
    acme: NewOrganization, admin_client: Client, written: str
) -> None:
    company = make_company(organization=acme.organization, name="C")
    assert list(save(admin_client, company, custom_fields=written)) == ["custom_fields"]
    response = admin_client.post(url_of(company), {"custom_fields": written})
    assert response.context["adminform"].form["custom_fields"].value() == written


def test_invalid_features_are_refused(acme: NewOrganization, admin_client: Client) -> None:
    assert save(admin_client, acme.organization, features='{"webhooks": {"available": false}}') == {}
    assert save(admin_client, acme.organization, features='{"nonsense": {}}') == {
        "features": ["Unknown feature 'nonsense'."]
    }
    assert list(save(admin_client, acme.organization, time_zone="Mars/Base")) == ["time_zone"]
    acme.organization.refresh_from_db()
    assert acme.organization.features == {"webhooks": {"available": False}}


def test_a_record_stays_in_its_organization(acme: NewOrganization, admin_client: Client) -> None:
    other = str(make_organization().organization.pk)
    for record in (make_company(organization=acme.organization, name="C"), make_person(organization=acme.organization)):
        assert save(admin_client, record, organization=other) == {}
        record.refresh_from_db()
        assert record.organization == acme.organization


def test_a_record_that_is_referred_to_cannot_be_deleted(acme: NewOrganization, admin_client: Client) -> None:
    company = acme.person.company
    assert company is not None
    for confirmed in ({}, {"post": "yes"}):
        response = admin_client.post(url_of(company, "delete"), confirmed)
        assert b"would require deleting the following protected related objects" in response.content
    assert admin_client.get(url_of(acme.organization, "delete")).status_code == 403
    free = make_company(organization=acme.organization, name="Free")
    admin_client.post(url_of(free, "delete"), {"post": "yes"})
    assert not Company.objects.filter(pk=free.pk).exists()


def test_markup_in_data_is_escaped(admin_client: Client) -> None:
    evil = make_organization(name=SCRIPT, email="evil@evil.test", first_name=SCRIPT)
    assert evil.person.company is not None
    make_person(organization=evil.organization, title=SCRIPT, tag_list=[SCRIPT], custom_fields={SCRIPT: SCRIPT})
    records = [evil.organization, evil.person.company, *Person.objects.all(), ApiToken.objects.get()]
    for record in records:
        for page in (url_of(type(record), "changelist"), url_of(record), url_of(record, "history")):
            assert SCRIPT not in admin_client.get(page).content.decode()


def test_choosing_an_organization_offers_the_organizations_whose_name_matches(
    acme: NewOrganization, admin_client: Client
) -> None:
    make_organization()
    field = {"app_label": "people", "model_name": "person", "field_name": "organization"}
    response = admin_client.get("/admin/autocomplete/", {**field, "term": "acm"})
    assert response.json()["results"] == [{"id": str(acme.organization.pk), "text": "Acme"}]
