"""``If-Match``: a star, or tags in quotes; everything else is refused (RFC 9110, sections 5.6.1, 8.8.3 and 13.1.1)."""

from __future__ import annotations

from contextlib import suppress
from time import perf_counter

import pytest
from django.test import RequestFactory
from rest_framework.request import Request

from importsvc.jsonapi.errors import RequestError
from importsvc.jsonapi.request.preconditions import read_if_match


def request_with(header: str | None) -> Request:
    return Request(RequestFactory().get("/", headers={} if header is None else {"If-Match": header}))


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("*", {"*"}),
        (" *\t", {"*"}),
        ('"a"', {"a"}),
        ('W/"a"', {"a"}),
        (' "a" ', {"a"}),
        ('"a","b"', {"a", "b"}),
        ('"a" ,\t"b", W/"c"', {"a", "b", "c"}),
        ('"a", W/"a"', {"a"}),
        ('"a,b", "c"', {"a,b", "c"}),
        ('"a,", ",b"', {"a,", ",b"}),
        ('""', {""}),
        ('"!#$%&\'()+-./:;<=>?@[\\]^_`{|}~"', {"!#$%&'()+-./:;<=>?@[\\]^_`{|}~"}),
        ('"\x80\xff"', {"\x80\xff"}),
        (',, "a", ,"b",', {"a", "b"}),
        ('"*"', set()),
        ('W/"*", "a"', {"a"}),
    ],
)
def test_tags_are_read_without_quotes_strong_or_weak(header: str, tags: set[str]) -> None:
    assert read_if_match(request_with(header)) == frozenset(tags)


def test_without_the_header_there_is_no_condition() -> None:
    assert read_if_match(request_with(None)) is None


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        ",",
        " , ,",
        "a",
        "banana",
        'a"',
        '"a',
        '"',
        '"""',
        "W/",
        "W/a",
        'w/"a"',
        'W /"a"',
        'W/ "a"',
        '"a" "b"',
        '"a""b"',
        '"a";"b"',
        '"a", b',
        'b, "a"',
        '"a", *',
        '*, "a"',
        "**",
        "*,*",
        '"a b"',
        '", "',
        '"a\tb"',
        '"\x7f"',
        '"\x00"',
        '"\u0100"',
        "'a'",
    ],
)
def test_any_other_header_value_is_refused(header: str) -> None:
    with pytest.raises(RequestError) as caught:
        read_if_match(request_with(header))

    refused = caught.value
    assert (refused.code, refused.detail) == ("bad_request", "If-Match must be * or a list of tags in quotes")
    assert refused.source == {"header": "If-Match"}


@pytest.mark.parametrize("text", ['"a",', ", ", "\t", '"', 'W/"a" ', " ,"])
@pytest.mark.parametrize("ending", ["", "x", '"'])
def test_long_headers_are_read_quickly(text: str, ending: str) -> None:
    request = request_with(text * 20_000 + ending)
    start = perf_counter()
    with suppress(RequestError):
        read_if_match(request)
    assert perf_counter() - start < 1
