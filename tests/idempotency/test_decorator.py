"""The header ``Idempotency-Key``: what a key is, which spellings are one key, and where the header is ignored."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse

from importsvc.idempotency.models import IdempotencyKey
from tests.builders import PUBLISHED_ROWS
from tests.client import ApiClient, assert_error

DOCUMENT = {"data": {"type": "imports", "attributes": {"import_data": PUBLISHED_ROWS}}}


def stage(api: ApiClient, key: str) -> HttpResponse:
    keyed = ApiClient(api.caller, **{"Idempotency-Key": key})
    return keyed.send("POST", "imports", DOCUMENT)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ('"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("a", "a"),
        (" \ta\t ", "a"),
        ('" a"', " a"),
        (r'"a\"b\\c"', r'a"b\c'),
        (r"a\"b", r"a\"b"),
        ("a, b", "a, b"),  # what WSGI makes of two headers
        ('"a", "b"', '"a", "b"'),
        ('"a', '"a'),
        ('"', '"'),
        ("x" * 255, "x" * 255),
        (f'"{"x" * 255}"', "x" * 255),
        ('"' + r"\"" * 255 + '"', '"' * 255),
    ],
)
def test_a_key_is_the_header_without_quotes_and_surrounding_blanks(api: ApiClient, written: str, key: str) -> None:
    assert stage(api, written).status_code == 201
    assert IdempotencyKey.objects.get().key == key


@pytest.mark.parametrize("written", ["", " ", "\t", '""', '" "'])
def test_an_empty_key_is_refused(api: ApiClient, written: str) -> None:
    assert_bad_key(stage(api, written), "must not be empty")


@pytest.mark.parametrize("written", ["x" * 256, f'"{"x" * 256}"', "x" * 10_000_000, '"' + r"\"" * 256 + '"'])
def test_a_key_that_is_too_long_is_refused(api: ApiClient, written: str) -> None:
    assert_bad_key(stage(api, written), "must have at most 255 characters")


@pytest.mark.parametrize("written", ["a\x00", "a\x1f", "a\x7f", "\xe9", "a\u00a0b", '"a\tb"', "a\nb"])
def test_a_key_with_unprintable_characters_is_refused(api: ApiClient, written: str) -> None:
    assert_bad_key(stage(api, written), "must be of printable ASCII characters")


def assert_bad_key(response: HttpResponse, what: str) -> None:
    source = {"header": "Idempotency-Key"}
    assert_error(response, 400, "bad_request", f"Idempotency-Key {what}", source=source)
    assert not IdempotencyKey.objects.exists()


def test_an_unauthenticated_request_is_refused_before_its_key_is_read(api: ApiClient) -> None:
    headers = {"X-Auth-Token": None, "Idempotency-Key": ""}

    assert_error(api.request("POST", "imports", headers=headers), 401, "unauthenticated", "You are not authenticated")


@pytest.mark.parametrize("written", ["a", "", "x" * 300])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "imports", 200), ("HEAD", "imports", 200), ("GET", "people", 200), ("POST", "people", 405)],
)
def test_requests_that_write_nothing_ignore_the_header(
    api: ApiClient, method: str, path: str, status: int, written: str
) -> None:
    responses: list[Any] = [api.request(method, path, headers={"Idempotency-Key": written}) for _ in "12"]

    assert [(each.status_code, "Idempotency-Replayed" in each.headers) for each in responses] == [(status, False)] * 2
    assert not IdempotencyKey.objects.exists()
