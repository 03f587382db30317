"""The way in by a link: what the browser gets, and links that open nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from importsvc.import_sessions.models import ImportSession
from people.models import Person
from people.services import NewOrganization
from tests.client import ApiClient
from tests.import_sessions.links import APP, make_link

NOT_VALID = "This link is not valid. It may be incomplete or revoked. Ask for a new one where it came from."
EXPIRED = "This link has expired. Ask for a new one where it came from."
INACTIVE = "This link belongs to a person that is no longer active in the organization."


@pytest.fixture(autouse=True)
def frame_origins(settings: Settings) -> None:
    """The origins of two integrators may embed the wizard."""
    settings.IMPORT_FRAME_ORIGINS = [APP, "https://other.example"]


@pytest.fixture
def browser() -> Client:
    """A browser without a session."""
    return Client()


def expire(session: ImportSession) -> None:
    at = timezone.now()
    ImportSession.objects.filter(pk=session.pk).update(created_at=at - timedelta(minutes=1), expires_at=at)


def find_framing(response: Any) -> tuple[str, str | None]:
    """The ``frame-ancestors`` of the policy, and ``X-Frame-Options``."""
    directives = dict(each.strip().split(" ", 1) for each in response.headers["Content-Security-Policy"].split(";"))
    return directives["frame-ancestors"], response.headers.get("X-Frame-Options")


def assert_refused(response: Any, status: int, detail: str) -> None:
    """The page has the sentence, and gives the browser nothing."""
    assert response.status_code == status
    assert f"<p>{detail}</p>" in response.content.decode()
    assert not response.cookies
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_a_link_leads_to_the_wizard_and_its_key_is_in_a_cookie(api: ApiClient, browser: Client) -> None:
    url = make_link(api)
    organization_id = api.caller.organization.pk

    response = browser.get(url)

    assert (response.status_code, response.headers["Location"]) == (302, f"/import/{organization_id}/")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    (cookie,) = response.cookies.values()
    key, path = url.rpartition("/")[2], f"/import/{organization_id}/"
    assert cookie.OutputString() == f"import_session={organization_id}:{key}; HttpOnly; Path={path}; SameSite=Lax"


def test_over_tls_the_cookie_is_sent_over_tls_only(api: ApiClient, browser: Client, settings: Settings) -> None:
    settings.SESSION_COOKIE_SECURE = True

    (cookie,) = browser.get(make_link(api)).cookies.values()

    assert (cookie["secure"], cookie["samesite"]) == (True, "Lax")


def test_the_cookie_for_a_frame_is_sent_within_pages_of_other_sites(api: ApiClient, browser: Client) -> None:
    (cookie,) = browser.get(make_link(api, frame_origin=APP)).cookies.values()

    assert cookie.OutputString().endswith("; SameSite=None; Partitioned; Secure")
    assert cookie["httponly"] is True


def test_a_link_works_until_it_expires(api: ApiClient, browser: Client) -> None:
    url = make_link(api)

    assert [browser.get(url).status_code for _ in range(2)] == [302, 302]
    expire(ImportSession.objects.get())
    assert_refused(browser.get(url), 410, EXPIRED)


def test_a_link_that_nothing_belongs_to_is_refused(api: ApiClient, globex: NewOrganization, browser: Client) -> None:
    url = make_link(api)
    entry, _, key = url.rpartition("/")
    organization_id = api.caller.organization.pk
    prefix, _, secret = key.partition(".")
    swapped = f"{prefix}.{secret[:-1]}{'a' if secret[-1] != 'a' else 'b'}"

    for wrong in (
        f"{entry}/{swapped}",
        f"{entry}/{'a' * 8}.{secret}",
        f"{entry}/{prefix}",
        f"{entry}/{key}x",
        f"{entry}/{key} ",
        f"{entry}/é",
        f"/import/enter/{globex.organization.pk}/{key}",
        f"/import/enter/0/{key}",
        f"/import/enter/{10**30}/{key}",
    ):
        assert_refused(browser.get(wrong), 403, NOT_VALID)
    for unknown in (f"/import/enter/{organization_id}/", f"/import/enter/x/{key}"):
        assert browser.get(unknown).status_code == 404


def test_a_revoked_link_is_refused(api: ApiClient, browser: Client) -> None:
    url = make_link(api)

    assert api.request("DELETE", f"import_sessions/{ImportSession.objects.get().pk}").status_code == 200

    assert_refused(browser.get(url), 403, NOT_VALID)


@pytest.mark.parametrize("at", ["deactivated_at", "archived_at"])
def test_a_link_of_a_person_that_is_no_longer_active_is_refused(api: ApiClient, browser: Client, at: str) -> None:
    url = make_link(api)
    Person.objects.filter(pk=api.caller.person.pk).update(**{at: timezone.now()})

    assert_refused(browser.get(url), 403, INACTIVE)


def test_a_link_goes_with_its_person(api: ApiClient, browser: Client) -> None:
    grace = Person.objects.create(organization=api.caller.organization, first_name="Grace")
    url = make_link(api, person=grace)

    grace.delete()

    assert_refused(browser.get(url), 403, NOT_VALID)


def test_a_refusal_leads_back_to_where_the_link_is_from(api: ApiClient, browser: Client) -> None:
    url = make_link(api, return_url=f"{APP}/?a=1&b='\"<")
    expire(ImportSession.objects.get())

    page = browser.get(url).content.decode()

    assert f'<a href="{APP}/?a=1&amp;b=&#x27;&quot;&lt;" target="_top" rel="noreferrer">Go back</a>' in page


def test_only_reading_requests_follow_a_link(api: ApiClient, browser: Client) -> None:
    url = make_link(api)

    assert browser.head(url).status_code == 302
    assert [browser.generic(method, url).status_code for method in ("POST", "PUT", "DELETE")] == [405] * 3


def test_a_page_is_framed_by_the_origin_of_its_link_only(api: ApiClient, browser: Client, settings: Settings) -> None:
    url = make_link(api, frame_origin=APP)
    page = f"/import/{api.caller.organization.pk}/"

    assert find_framing(browser.get(page)) == ("'none'", "DENY")
    browser.get(url)
    assert find_framing(browser.get(page)) == (APP, None)
    browser.get(make_link(api))
    assert find_framing(browser.get(page)) == ("'none'", "DENY")
    browser.get(url)
    settings.IMPORT_FRAME_ORIGINS = ["https://other.example"]
    assert find_framing(browser.get(page)) == ("'none'", "DENY")


def test_a_refusal_is_framed_where_the_link_may_be_from(api: ApiClient, browser: Client) -> None:
    url = make_link(api, frame_origin=APP)

    assert find_framing(browser.get(f"{url}x")) == (f"{APP} https://other.example", None)
    expire(ImportSession.objects.get())
    assert find_framing(browser.get(url)) == (APP, None)
    plain = make_link(api)
    expire(ImportSession.objects.latest("id"))
    assert find_framing(browser.get(plain)) == ("'none'", "DENY")


def test_no_other_page_is_framed(api: ApiClient, browser: Client) -> None:
    browser.get(make_link(api, frame_origin=APP))
    organization_id = api.caller.organization.pk

    for path in ("/", "/admin/login/", "/api/v2/imports", f"/import/{organization_id + 1}/"):
        assert find_framing(browser.get(path)) == ("'none'", "DENY")
