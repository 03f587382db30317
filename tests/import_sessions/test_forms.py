"""Forms of a link's session: each takes the token of a page of this session, and no other."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from people.services import NewOrganization
from tests.client import ApiClient
from tests.import_sessions.links import make_link

FORM_OF_STAFF = "/admin/password_change/"

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


class Browser(Client):
    """A browser whose forms are checked, in which a link or staff may have a session, or both."""

    def __init__(self) -> None:
        super().__init__(enforce_csrf_checks=True)

    def read_token(self, path: str) -> str:
        """The token of the forms on a page."""
        response = self.get(path)
        assert response.status_code == 200, (path, response.status_code)
        return _TOKEN.findall(response.content.decode())[0]

    def send(self, path: str, token: str | None, **headers: str) -> HttpResponse:
        """Send a form without fields but the token."""
        response: Any = self.post(path, {} if token is None else {"csrfmiddlewaretoken": token}, headers=headers)
        return response


@pytest.fixture
def pages(acme: NewOrganization) -> str:
    """The first page of Acme."""
    return f"/import/{acme.organization.pk}/"


@pytest.fixture
def linked(api: ApiClient) -> Callable[[], Browser]:
    """Makes browsers that have followed a link, each another one."""

    def follow() -> Browser:
        browser = Browser()
        assert browser.get(make_link(api)).status_code == 302
        return browser

    return follow


def become_staff(browser: Browser, admin_user: User) -> Browser:
    browser.force_login(admin_user)
    return browser


@pytest.mark.parametrize("is_staff_too", [False, True])
def test_a_form_takes_the_token_of_its_session_only(
    linked: Callable[[], Browser], pages: str, admin_user: User, is_staff_too: bool
) -> None:
    browser, other = linked(), linked()
    staff = become_staff(Browser(), admin_user)
    own, others, of_staff = browser.read_token(pages), other.read_token(pages), staff.read_token(FORM_OF_STAFF)
    if is_staff_too:
        become_staff(browser, admin_user)
        of_staff = browser.read_token(FORM_OF_STAFF)
    action = f"{pages}files/"

    sent = {
        "its own": browser.send(action, own),
        "none": browser.send(action, None),
        "of another link": browser.send(action, others),
        "of staff": browser.send(action, of_staff),
        "made up": browser.send(action, "a" * 64),
        "its own from another site": browser.send(action, own, Origin="https://evil.example"),
        "its own in a header": browser.send(action, None, **{"X-CSRFToken": own}),
    }

    assert {name: response.status_code for name, response in sent.items()} == {
        "its own": 302,
        "none": 403,
        "of another link": 403,
        "of staff": 403,
        "made up": 403,
        "its own from another site": 403,
        "its own in a header": 302,
    }


def test_a_cookie_that_an_attacker_has_set_does_not_count(linked: Callable[[], Browser], pages: str) -> None:
    browser = linked()
    chosen = "a" * 32
    browser.cookies["csrftoken"] = chosen

    assert browser.send(f"{pages}files/", chosen).status_code == 403


def test_the_token_of_a_link_is_not_valid_for_staff(
    linked: Callable[[], Browser], pages: str, admin_user: User
) -> None:
    browser = become_staff(linked(), admin_user)
    token, of_staff = browser.read_token(pages), browser.read_token(FORM_OF_STAFF)

    assert browser.send(FORM_OF_STAFF, token).status_code == 403
    # The page says what is missing.
    assert browser.send(FORM_OF_STAFF, of_staff).status_code == 200


def test_a_page_of_a_link_leaves_the_cookie_of_the_admin_as_it_is(
    linked: Callable[[], Browser], pages: str, admin_user: User
) -> None:
    browser = become_staff(linked(), admin_user)
    browser.read_token(FORM_OF_STAFF)
    before = browser.cookies["csrftoken"].value

    assert "csrftoken" not in browser.get(pages).cookies
    assert browser.cookies["csrftoken"].value == before
