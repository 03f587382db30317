"""Tokens that are guessed are refused after some, and other tokens work from the same address all the same."""

from __future__ import annotations

import math
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.utils import timezone

from importsvc.guessing.models import FailureCount
from importsvc.guessing.services import ADDRESS_LIMIT, PAIR_LIMIT, WINDOW_SECONDS, prune_failures
from people.models import ApiToken
from people.services import NewOrganization, create_token, revoke_token
from tests.client import ApiClient, assert_error
from tests.interleaving import threads

WRONG_SECRET = "a" * 32


def ask(api: ApiClient, token: str, address: str = "203.0.113.7") -> HttpResponse:
    api.client.defaults["REMOTE_ADDR"] = address
    return api.get("imports", **{"X-Auth-Token": token})


def try_tokens(api: ApiClient, count: int, address: str = "203.0.113.7") -> list[int]:
    """The statuses of so many requests with tokens that do not exist, each another one."""
    return [ask(api, f"{number:08}.{WRONG_SECRET}", address).status_code for number in range(count)]


def assert_throttled(response: HttpResponse) -> None:
    assert_error(response, 429, "too_many_requests", "Too many requests; try again later")
    wait = int(response.headers["Retry-After"])
    assert 0 < wait <= WINDOW_SECONDS
    assert 0 <= int(response.headers["X-RateLimit-Reset"]) - math.floor(time.time()) <= WINDOW_SECONDS + 1
    assert "WWW-Authenticate" not in response.headers


def get_prefix(api: ApiClient) -> str:
    return api.caller.token.partition(".")[0]


def expire() -> None:
    """Let the time pass in which failures count."""
    FailureCount.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def test_a_hundred_wrong_tokens_in_a_row_are_too_many_requests(api: ApiClient) -> None:
    statuses = try_tokens(api, 100)

    assert statuses == [401] * ADDRESS_LIMIT + [429] * (100 - ADDRESS_LIMIT)
    assert_throttled(ask(api, f"aaaaaaaa.{WRONG_SECRET}"))


def test_a_valid_token_works_from_the_address_of_a_guesser(api: ApiClient) -> None:
    try_tokens(api, ADDRESS_LIMIT + 1)

    assert ask(api, api.caller.token).status_code == 200


def test_guesses_of_one_token_are_limited_and_then_the_right_one_is_refused_from_there_only(api: ApiClient) -> None:
    guess = f"{get_prefix(api)}.{WRONG_SECRET}"

    assert [ask(api, guess).status_code for _ in range(PAIR_LIMIT)] == [401] * PAIR_LIMIT
    assert_throttled(ask(api, guess))
    assert_throttled(ask(api, api.caller.token))
    assert ask(api, api.caller.token, "203.0.113.8").status_code == 200
    assert ask(api, create_token(person=api.caller.person)).status_code == 200


def test_an_address_at_its_limit_cannot_go_on_to_guess_one_token(api: ApiClient) -> None:
    try_tokens(api, ADDRESS_LIMIT + 1)

    for _ in range(PAIR_LIMIT):
        assert_throttled(ask(api, f"{get_prefix(api)}.{WRONG_SECRET}"))

    assert_throttled(ask(api, api.caller.token))


def test_guesses_are_allowed_again_after_a_time(api: ApiClient) -> None:
    for _ in range(PAIR_LIMIT + 1):
        ask(api, f"{get_prefix(api)}.{WRONG_SECRET}")
    assert ask(api, api.caller.token).status_code == 429

    expire()

    assert ask(api, api.caller.token).status_code == 200
    assert try_tokens(api, ADDRESS_LIMIT + 1) == [401] * ADDRESS_LIMIT + [429]


@pytest.mark.parametrize("change", [{"revoked": True}, {"expiry_date": timezone.now() - timedelta(days=1)}])
def test_a_client_with_a_token_that_no_longer_works_is_slowed(api: ApiClient, change: dict[str, Any]) -> None:
    ApiToken.objects.update(**change)

    statuses = [ask(api, api.caller.token).status_code for _ in range(PAIR_LIMIT + 1)]

    assert statuses == [401] * PAIR_LIMIT + [429]


def test_requests_without_a_token_are_not_counted(api: ApiClient) -> None:
    for _ in range(ADDRESS_LIMIT + 1):
        for token in ("", " "):
            assert ask(api, token).status_code == 401
    assert not FailureCount.objects.exists()


def test_tokens_of_another_form_count_for_the_address(api: ApiClient) -> None:
    statuses = [ask(api, written * number).status_code for written in ("banana", "é") for number in range(1, 27)]

    assert statuses == [401] * ADDRESS_LIMIT + [429] * (52 - ADDRESS_LIMIT)
    assert FailureCount.objects.count() == 1


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::2", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("", "", True),
        ("unix:", "", False),
    ],
)
def test_an_address_is_what_a_client_cannot_choose(api: ApiClient, first: str, second: str, is_same: bool) -> None:
    try_tokens(api, ADDRESS_LIMIT, first)

    assert try_tokens(api, 1, second) == [429 if is_same else 401]


def test_headers_of_proxies_do_not_change_the_address(api: ApiClient) -> None:
    forwarded = {"X-Forwarded-For": "198.51.100.1", "Forwarded": "for=198.51.100.1", "X-Real-IP": "198.51.100.1"}
    try_tokens(api, ADDRESS_LIMIT)

    assert_throttled(api.get("imports", **{"X-Auth-Token": "banana"}, **forwarded))


def test_guesses_of_tokens_that_do_not_exist_cannot_fill_the_table(api: ApiClient) -> None:
    try_tokens(api, 3 * ADDRESS_LIMIT)

    assert FailureCount.objects.count() == 1 + ADDRESS_LIMIT


def test_no_address_and_no_token_is_stored(api: ApiClient) -> None:
    ask(api, f"{get_prefix(api)}.{WRONG_SECRET}")

    for key in FailureCount.objects.values_list("key", flat=True):
        assert len(key) == 64
        assert int(key, 16)


def test_a_valid_token_costs_no_further_query(api: ApiClient, django_assert_num_queries: Any) -> None:
    ask(api, api.caller.token)
    with django_assert_num_queries(3):
        assert ask(api, api.caller.token).status_code == 200


def test_expired_counts_are_pruned(api: ApiClient) -> None:
    try_tokens(api, 2)
    expire()
    ask(api, "banana", "203.0.113.9")

    assert (prune_failures(dry_run=True), FailureCount.objects.count()) == (3, 4)
    assert (prune_failures(), prune_failures(), FailureCount.objects.count()) == (3, 0, 1)


def test_a_database_that_cannot_be_written_refuses_wrong_tokens_as_ever(
    api: ApiClient, caplog: pytest.LogCaptureFixture
) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        response = ask(api, "banana")
        transaction.set_rollback(True)

    assert_error(response, 401, "unauthenticated", "You are not authenticated")
    assert "A failed attempt could not be counted" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_all_processes_count_together(acme: NewOrganization) -> None:
    revoke_token(prefix=acme.token.partition(".")[0])

    with threads() as background:
        statuses = [background.start(lambda: ask(ApiClient(acme), acme.token).status_code) for _ in range(30)]

    assert sorted(each.result() for each in statuses) == [401] * PAIR_LIMIT + [429] * (30 - PAIR_LIMIT)
