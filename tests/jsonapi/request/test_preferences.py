"""``Prefer`` is read as RFC 7240 says; what is malformed or not known is ignored."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from rest_framework.request import Request

from importsvc.jsonapi.request.preferences import Preferences, read_preferences

LATER = Preferences(respond_async=True)


def read(header: str | None, **headers: str) -> Preferences:
    sent = headers if header is None else {"Prefer": header, **headers}
    return read_preferences(Request(RequestFactory().post("/", headers=sent)))


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("respond-async", None),
        ("Respond-ASYNC", None),
        ('respond-async=""', None),
        ("respond-async; foo", None),
        ('respond-async;foo="a, b;c\\"d" ; ;bar = 1', None),
        (" , return=minimal ,respond-async,, ", None),
        ("respond-async,wait=10", 10),
        ("respond-async, wait = 10", 10),
        ('wait="10" , handling=lenient,\trespond-async', 10),
        ("WAIT=5, respond-async, wait=7", 5),
        ("respond-async, wait=0", 0),
        ("respond-async, wait=007", 7),
        ("respond-async, wait=31", 30),
        (f"respond-async, wait={'9' * 100}", 30),
        ("respond-async, wait=10;foo=bar", 10),
        # Not numbers of seconds, or not preferences at all.
        (f"respond-async, wait={'9' * 101}", None),
        ("respond-async, wait", None),
        ("respond-async, wait=-1", None),
        ("respond-async, wait=1.5", None),
        ("respond-async, wait=١", None),
        ("respond-async, wait=1 0", None),
        ("respond-async wait, respond-async", None),
        ("(), =, ;, respond-async", None),
        ('respond-async, "wait=10', None),
        ('foo="bar\\", baz", respond-async', None),
    ],
)
def test_a_response_before_the_work_is_done_is_preferred(header: str, wait: int | None) -> None:
    assert read(header) == Preferences(respond_async=True, wait=wait)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        ",",
        "wait=10",
        "return=minimal",
        "respond_async",
        "respond-async=1",
        "respond-async=1, respond-async",
        "respond-async foo",
        "respond-async;=",
        "respond-async; foo=",
        'foo="respond-async"',
        'foo="bar, respond-async',
        "respond-async\x0b",
        "respond-async/1",
    ],
)
def test_other_requests_are_synchronous(header: str | None) -> None:
    assert read(header) == Preferences()


def test_a_request_with_a_key_does_not_wait() -> None:
    assert read("respond-async, wait=10", **{"Idempotency-Key": "a"}) == LATER


def test_the_headers_of_a_response_name_what_was_applied() -> None:
    url = "http://testserver/api/v2/operations/1"
    location = {"Location": url, "Content-Location": url}

    assert LATER.make_headers(url, is_finished=False) == {
        **location,
        "Preference-Applied": "respond-async",
        "Vary": "Prefer",
        "Retry-After": "1",
    }
    assert Preferences(respond_async=True, wait=0).make_headers(url, is_finished=True) == {
        **location,
        "Preference-Applied": "respond-async, wait=0",
        "Vary": "Prefer",
    }
    assert Preferences().make_headers(url, is_finished=False) == {**location, "Retry-After": "1"}


@pytest.mark.parametrize("header", ["respond-async" + " " * 8_000 + "x", "a;" * 4_000 + "(", 'a="' * 3_000])
def test_long_headers_are_read_at_once(header: str) -> None:
    assert read(header) == Preferences()
