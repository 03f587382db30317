"""Authentication by the two headers of the contract's section 2.1, and ``last_seen_at``."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, connection, transaction
from django.forms import model_to_dict
from django.utils import timezone

from organizations.models import Organization
from people.authentication import find_token
from people.models import ApiToken, Person
from people.services import NewOrganization, create_token, revoke_token
from tests.builders import make_person
from tests.client import ApiClient, assert_error, document_of

BEFORE = timezone.now() - timedelta(seconds=1)


def assert_unauthenticated(api: ApiClient, token: str | None) -> None:
    response = api.request("GET", "imports", headers={"X-Auth-Token": token})

    assert_error(response, 401, "unauthenticated", "You are not authenticated")
    assert response.headers["WWW-Authenticate"] == 'Token realm="api"'


def assert_access_denied(api: ApiClient, organization_id: str | None) -> None:
    response = api.request("GET", "imports", headers={"X-Organization-Id": organization_id})

    assert_error(response, 403, "access_denied", "You are not authorized to access this resource")
    assert "WWW-Authenticate" not in response.headers


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        "banana",
        ".",
        "{prefix}",
        "{prefix}.",
        "{prefix}.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "aaaaaaaa.{secret}",
        "{prefix}.{secret}x",
        "{secret}.{prefix}",
        "Bearer {prefix}.{secret}",
        "{prefix}. {secret}",
        "{prefix}.{secret}, {prefix}.{secret}",
        "\x00",
        "\xff",
        "a" * 10_000_000,
        " " * 10_000_000,
        "aaaaaaaa." + "a" * 10_000_000,
    ],
)
def test_a_token_that_is_missing_unknown_or_malformed_is_unauthenticated(api: ApiClient, token: str | None) -> None:
    prefix, _, secret = api.caller.token.partition(".")

    assert_unauthenticated(api, token and token.format(prefix=prefix, secret=secret))


def test_a_token_with_spaces_around_it_works(api: ApiClient) -> None:
    assert api.request("GET", "imports", headers={"X-Auth-Token": f" {api.caller.token}\t"}).status_code == 200


def test_a_revoked_token_is_unauthenticated(api: ApiClient) -> None:
    revoke_token(prefix=api.caller.token.partition(".")[0])

    assert_unauthenticated(api, api.caller.token)


@pytest.mark.parametrize("change", [{"revoked": True}, {"expiry_date": BEFORE}, {"hashed_key": "sha512$$other"}])
def test_a_token_that_worked_a_moment_ago_stops_working_at_once(api: ApiClient, change: dict[str, object]) -> None:
    assert api.get("imports").status_code == 200

    ApiToken.objects.update(**change)

    assert_unauthenticated(api, api.caller.token)


@pytest.mark.one_server("a record cannot be moved to another organization")
def test_a_person_moves_to_another_organization_with_the_tokens_and_is_denied_the_old_one_at_once(
    api: ApiClient, globex: NewOrganization
) -> None:
    assert api.get("imports").status_code == 200

    person = Person.objects.filter(pk=api.caller.person.pk)
    with pytest.raises(IntegrityError, match="author_of_person"), transaction.atomic():
        person.update(organization=globex.organization, company=globex.person.company)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH token AS (UPDATE people_apitoken SET organization_id = %(organization)s"
            " WHERE person_id = %(person)s),"
            " author AS (UPDATE people_author SET organization_id = %(organization)s WHERE person_id = %(person)s)"
            " UPDATE people_person SET organization_id = %(organization)s, company_id = NULL WHERE id = %(person)s",
            {"organization": globex.organization.pk, "person": api.caller.person.pk},
        )

    assert_access_denied(api, str(api.caller.organization.pk))
    assert api.get("imports", **{"X-Organization-Id": str(globex.organization.pk)}).status_code == 200


def test_the_caller_is_read_from_the_database_by_every_request(api: ApiClient) -> None:
    for features in ({}, {"custom_fields": {"limit": 50}}):
        for zone in ("UTC", "Asia/Tokyo"):
            Organization.objects.update(features=features, time_zone=zone, name=f"In {zone}")
            Person.objects.update(first_name=f"Ann of {zone}", last_seen_at=timezone.now())

            found = find_token(api.caller.token)

            assert found is not None
            stored = ApiToken.objects.select_related("person__organization").get()
            assert model_to_dict(found) == model_to_dict(stored)
            assert model_to_dict(found.person) == model_to_dict(stored.person)
            assert model_to_dict(found.person.organization) == model_to_dict(stored.person.organization)


def test_a_token_hashed_in_an_older_way_works_and_is_hashed_anew(api: ApiClient) -> None:
    ApiToken.objects.update(hashed_key=make_password(api.caller.token, hasher="pbkdf2_sha256"))

    assert api.get("imports").status_code == 200

    token = ApiToken.objects.get()
    assert token.hashed_key.startswith("sha512$$")
    assert (token.person_id, token.prefix) == (api.caller.person.pk, api.caller.token.partition(".")[0])
    assert api.get("imports").status_code == 200


@pytest.mark.parametrize(("minutes", "status"), [(1, 200), (-1, 401)])
def test_a_token_works_until_it_expires(api: ApiClient, minutes: int, status: int) -> None:
    ApiToken.objects.update(expiry_date=timezone.now() + timedelta(minutes=minutes))

    assert api.get("imports").status_code == status


@pytest.mark.parametrize("end", ["deactivated_at", "archived_at"])
def test_the_token_of_a_person_without_access_is_unauthenticated(api: ApiClient, end: str) -> None:
    Person.objects.filter(pk=api.caller.person.pk).update(**{end: timezone.now()})

    assert_unauthenticated(api, api.caller.token)


def test_a_contact_with_a_token_is_a_caller_like_any_user(api: ApiClient) -> None:
    contact = make_person(organization=api.caller.organization)
    caller = NewOrganization(api.caller.organization, contact, create_token(person=contact))

    created = document_of(ApiClient(caller).send_import("POST", "imports", import_data={"company": [{"name": "A"}]}))

    assert created["data"]["attributes"]["creator_id"] == contact.pk


@pytest.mark.parametrize(
    "organization_id",
    [None, "", "banana", "-{own}", "+{own}", "{own}.0", "{own},{own}", "0x{own}", "{other}", "9" * 19, "9" * 20, "٣"],
)
def test_an_organization_that_is_missing_malformed_or_foreign_is_denied(
    api: ApiClient, globex: NewOrganization, organization_id: str | None
) -> None:
    own, other = api.caller.organization.pk, globex.organization.pk

    assert_access_denied(api, organization_id and organization_id.format(own=own, other=other))


def test_an_organization_id_of_ten_megabytes_is_denied(api: ApiClient) -> None:
    assert_access_denied(api, "1" * 10_000_000)


def test_a_request_without_a_token_reveals_nothing_about_organizations(api: ApiClient) -> None:
    headers = {"X-Auth-Token": "banana", "X-Organization-Id": "banana"}

    assert api.request("GET", "imports", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "request_line",
    [
        "GET imports",
        "POST imports",
        "PATCH imports/1",
        "POST imports/1/import",
        "PATCH imports/1/revert",
        "GET people",
        "GET people/1",
        "GET companies",
        "GET companies/1",
        "GET organizations/1",
        "DELETE imports/1",
        "GET imports?banana=1",
        "GET imports/banana",
    ],
)
def test_every_endpoint_requires_authentication(api: ApiClient, request_line: str) -> None:
    method, path = request_line.split()

    response = api.request(method, path, "{" if method != "GET" else None, headers={"X-Auth-Token": None})

    assert_error(response, 401, "unauthenticated", "You are not authenticated")


def last_seen(api: ApiClient) -> object:
    return Person.objects.get(pk=api.caller.person.pk).last_seen_at


def test_last_seen_moves_with_requests_at_most_once_a_minute(api: ApiClient) -> None:
    person = Person.objects.filter(pk=api.caller.person.pk)
    assert last_seen(api) is None

    api.get("imports")
    first = last_seen(api)
    assert first is not None
    api.get("imports")
    assert last_seen(api) == first

    almost, over = (timezone.now() - timedelta(seconds=seconds) for seconds in (50, 61))
    person.update(last_seen_at=almost)
    api.get("imports")
    assert last_seen(api) == almost
    person.update(last_seen_at=over)
    api.get("imports")
    assert last_seen(api) != over


def test_last_seen_moves_even_if_the_request_is_refused_later(api: ApiClient) -> None:
    assert api.get("imports?banana=1").status_code == 400
    assert last_seen(api) is not None


@pytest.mark.parametrize("headers", [{"X-Auth-Token": "banana"}, {"X-Organization-Id": "banana"}])
def test_last_seen_does_not_move_without_authentication(api: ApiClient, headers: dict[str, str]) -> None:
    api.request("GET", "imports", headers=headers)

    assert last_seen(api) is None


def test_a_read_only_database_still_serves_reads(api: ApiClient, caplog: pytest.LogCaptureFixture) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        response = api.get("people")
        transaction.set_rollback(True)

    assert response.status_code == 200
    assert document_of(response)["data"][0]["attributes"]["last_seen_at"] is None
    assert "last_seen_at of person" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_locked_row_of_the_caller_does_not_delay_the_response(api: ApiClient) -> None:
    # With this time-out, waiting for the lock would be an error, and must not fail the request.
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")
    somebody = connection.copy()
    try:
        somebody.set_autocommit(False)
        with somebody.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM people_person WHERE organization_id = %s AND id = %s FOR UPDATE",
                [api.caller.organization.pk, api.caller.person.pk],
            )
        before = timezone.now()

        response = api.get("imports")

        assert response.status_code == 200
        assert timezone.now() - before < timedelta(seconds=1)
        assert last_seen(api) is None
    finally:
        somebody.rollback()
        somebody.close()
        connection.close()  # ends the time-out, too
    api.get("imports")
    assert last_seen(api) is not None
