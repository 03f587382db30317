"""Browsers that fail outside of the API get a page: what happened, what to do, and a way back."""

from __future__ import annotations

import re
from html import unescape
from typing import Any, Never

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tests.client import WsgiClient
from tests.http.test_security_headers import PERMISSIONS
from tests.test_pages import OF_ALL

POLICY = OF_ALL | {"style-src 'self'", "img-src 'self'"}
WAYS_BACK = [
    ("/", "Start page What the service is, and where to go on"),
    ("/admin/", "Admin For staff: look at imports, and revert them"),
]
NOT_FOUND = "There is no such page It may have been removed, or the address is not complete. Check the address."
SERVER_ERROR = (
    "Something went wrong on our side Try again. If it happens again, tell the operators of the service."
    " The id of the request is test ."
)
FORBIDDEN = (
    "You may not open this page Your account has no permission for it. An administrator can grant it; or log in with"
    " another account."
)
PAGES = {
    SuspiciousOperation: (400, "The request could not be read Go back, reload the page, and try again."),
    PermissionDenied: (403, FORBIDDEN),
    RuntimeError: (500, SERVER_ERROR),
}


def text_of(html: str) -> str:
    """The text of a part of a page, with single spaces."""
    return " ".join(unescape(re.sub("<[^>]*>", " ", html)).split())


def read_page(response: Any) -> tuple[int, str, list[tuple[str, str]]]:
    """The status, what is said, and the ways back."""
    page = response.content.decode()
    said, _, links = page.partition("<main>")[2].partition("<nav")
    assert f"<title>{text_of(said.partition('<p>')[0])} | importsvc</title>" in page
    ways = re.findall(r'<li><a href="([^"]*)">(.*?)</li>', links)
    return response.status_code, text_of(said), [(url, text_of(text)) for url, text in ways]


@pytest.mark.parametrize("accept", ["text/html", "application/json", "application/vnd.api+json"])
def test_an_unknown_url_outside_of_the_api_is_a_page_whatever_is_accepted(accept: str) -> None:
    response = WsgiClient().get("/nothing", headers={"Accept": accept})

    assert read_page(response) == (404, NOT_FOUND, WAYS_BACK)
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"


def test_a_page_has_the_headers_of_the_start_page() -> None:
    response = WsgiClient().get("/nothing")

    assert set(response.headers["Content-Security-Policy"].split("; ")) == POLICY
    assert response.headers["Permissions-Policy"] == PERMISSIONS
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert "Set-Cookie" not in response.headers


def test_head_has_the_status_without_the_page() -> None:
    response: Any = Client().head("/nothing")

    assert (response.status_code, response.content) == (404, b"")


@pytest.mark.parametrize(
    ("url", "imports"), [("/import/nothing", "/import/"), ("/import/7/nothing/at/all", "/import/7/")]
)
def test_a_page_of_the_wizard_leads_back_to_its_imports(url: str, imports: str) -> None:
    back = [(imports, "Imports Import a file, or look at earlier imports"), *WAYS_BACK]

    assert read_page(WsgiClient().get(url)) == (404, NOT_FOUND, back)


@pytest.mark.parametrize("error", PAGES)
@pytest.mark.django_db
def test_an_error_of_a_view_is_a_page(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def fail(*args: Any, **options: Any) -> Never:
        raise error("secret")

    monkeypatch.setattr("importsvc.pages.render", fail)

    with CaptureQueriesContext(connection) as queries:
        response: Any = WsgiClient().get("/", headers={"X-Request-Id": "test"})

    assert read_page(response) == (*PAGES[error], WAYS_BACK)
    assert b"secret" not in response.content
    assert len(queries) == 0


def test_the_page_of_an_error_outside_of_the_log_has_no_id(settings: Settings) -> None:
    settings.MIDDLEWARE = ["tests.jsonapi.test_layers.crashes"]

    response = Client(raise_request_exception=False).get("/")

    assert read_page(response) == (500, SERVER_ERROR.partition(" The id")[0], WAYS_BACK)


def test_staff_get_the_pages_in_the_admin(admin_client: Client) -> None:
    assert read_page(admin_client.get("/admin/nothing/")) == (404, NOT_FOUND, WAYS_BACK)


@pytest.mark.django_db
def test_staff_without_permission_are_told_so() -> None:
    client = Client()
    client.force_login(User.objects.create_user("dana", is_staff=True))

    assert read_page(client.get("/admin/people/person/")) == (*PAGES[PermissionDenied], WAYS_BACK)


@pytest.mark.django_db
def test_a_form_without_the_secret_of_the_session_is_refused_with_a_page() -> None:
    refused = (
        "The form was not accepted It was opened before you logged in or out, or your browser keeps no cookies of this"
        " site. Go back, reload the page, and send the form again."
    )

    response = Client(enforce_csrf_checks=True).post("/admin/login/")

    assert read_page(response) == (403, refused, WAYS_BACK)
