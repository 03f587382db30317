"""Passwords of the admin that are guessed are refused after some, without being checked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from importsvc.guessing.models import FailureCount
from importsvc.guessing.services import ADDRESS_LIMIT, PAIR_LIMIT, WINDOW_SECONDS

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def staff(db: None, settings: Settings) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return User.objects.create_user("Oli", password=PASSWORD, is_staff=True)


def log_in(password: str, *, name: str = "Oli", address: str = "203.0.113.7") -> Any:
    return Client(REMOTE_ADDR=address).post("/admin/login/?next=/admin/", {"username": name, "password": password})


def assert_refused(response: Any) -> None:
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= WINDOW_SECONDS
    assert "Too many attempts have failed. Try again in 5 minutes." in response.content.decode()
    assert "sessionid" not in response.cookies


def test_guesses_of_one_account_are_limited_and_then_the_right_password_is_refused_from_there_only() -> None:
    assert [log_in(f"wrong {number}").status_code for number in range(PAIR_LIMIT)] == [200] * PAIR_LIMIT

    assert_refused(log_in("wrong"))
    assert_refused(log_in(PASSWORD))
    assert_refused(log_in(PASSWORD, name="OLI"))
    assert log_in(PASSWORD, address="203.0.113.8").status_code == 302


def test_guesses_of_many_accounts_are_limited_for_the_address() -> None:
    statuses = [log_in("wrong", name=f"account{number}").status_code for number in range(ADDRESS_LIMIT)]

    assert statuses == [200] * ADDRESS_LIMIT
    assert_refused(log_in(PASSWORD))
    assert log_in(PASSWORD, address="203.0.113.8").status_code == 302


def test_a_login_that_succeeds_begins_to_count_anew() -> None:
    for _ in range(3):
        assert [log_in("wrong").status_code for _ in range(PAIR_LIMIT - 1)] == [200] * (PAIR_LIMIT - 1)
        assert log_in(PASSWORD).status_code == 302


def test_a_session_does_not_help_to_guess_the_password_of_another_account() -> None:
    client = Client(REMOTE_ADDR="203.0.113.7")
    client.force_login(User.objects.create_user("Eve", is_staff=True))

    statuses = [
        client.post("/admin/login/", {"username": "Oli", "password": f"wrong {number}"}).status_code
        for number in range(PAIR_LIMIT + 1)
    ]

    assert statuses == [200] * PAIR_LIMIT + [429]


def test_logins_are_allowed_again_after_a_time() -> None:
    for _ in range(PAIR_LIMIT + 1):
        log_in("wrong")
    FailureCount.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert log_in(PASSWORD).status_code == 302


def test_the_page_is_shown_to_an_address_at_its_limit() -> None:
    for _ in range(PAIR_LIMIT + 1):
        log_in("wrong")

    assert Client(REMOTE_ADDR="203.0.113.7").get("/admin/login/").status_code == 200


@pytest.mark.parametrize("name", ["", "x" * 100_000, "\x00", "\ud800"])
def test_any_name_is_refused_as_ever(name: str) -> None:
    assert log_in(PASSWORD, name=name.encode("utf-8", "surrogatepass").decode("latin-1")).status_code == 200
