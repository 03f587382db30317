"""Content negotiation: media types of requests and responses (contract, section 2.1)."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.builders import PUBLISHED_ROWS, make_company
from tests.client import MEDIA_TYPE, PAGE_ACCEPT, ApiClient, assert_error, document_of

DOCUMENT = json.dumps({"data": {"type": "imports", "attributes": {"import_data": PUBLISHED_ROWS}}})

# Invalid parameters in the encoding of RFC 2231, for which Python's parser raises exceptions.
SENSELESS = ["x*=nope''y", "x*=a; x*0=b", f"x*{'1' * 5_000}=y", "x*=idna''y"]


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "application/*",
        MEDIA_TYPE,
        MEDIA_TYPE.upper(),
        PAGE_ACCEPT,
        f"text/html, {MEDIA_TYPE};q=0.1",
        "text/html, */*;q=0.001",
        f"{MEDIA_TYPE}; charset=utf-8",
        f"{MEDIA_TYPE}; ext=bulk",
        f'{MEDIA_TYPE};profile="https://example.com/a https://example.com/b"',
        f'{MEDIA_TYPE};ext="https://jsonapi.org/ext/atomic", {MEDIA_TYPE}',
        f"{MEDIA_TYPE};q=0.5, */*;q=0",
        f"{MEDIA_TYPE};version=1, */*;q=0.1",
        f"*/*; {SENSELESS[0]}, */*",
    ],
)
def test_an_accept_header_that_allows_json_api_is_served(api: ApiClient, accept: str | None) -> None:
    assert api.request("GET", "imports", headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/json",
        "text/*",
        "banana",
        ",",
        ";",
        "*/*;q=0",
        "*/*;q=banana",
        f"{MEDIA_TYPE};q=0",
        f"{MEDIA_TYPE};q=0.0, */*",
        "application/*;q=0, */*;q=1",
        f"{MEDIA_TYPE};version=1",
        f"{MEDIA_TYPE}; charset=utf-16",
        f'{MEDIA_TYPE};ext="https://jsonapi.org/ext/atomic"',
        *(f"*/*; {parameter}" for parameter in SENSELESS),
    ],
)
def test_an_accept_header_that_does_not_allow_json_api_is_not_acceptable(api: ApiClient, accept: str) -> None:
    detail = f"Answers are {MEDIA_TYPE}, which the Accept header does not allow"

    assert_error(api.get("imports", Accept=accept), 406, "not_acceptable", detail)


@pytest.mark.parametrize(
    "content_type",
    [
        MEDIA_TYPE,
        MEDIA_TYPE.upper(),
        f"{MEDIA_TYPE};charset=utf-8",
        f'{MEDIA_TYPE}; charset="UTF-8"',
        f"{MEDIA_TYPE}; ext=bulk",
        f'{MEDIA_TYPE}; ext="bulk"; charset=utf-8; profile="https://example.com/a"',
        f"{MEDIA_TYPE};",
    ],
)
def test_a_body_of_json_api_is_read(api: ApiClient, content_type: str) -> None:
    assert api.request("POST", "imports", DOCUMENT, content_type=content_type).status_code == 201


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/*",
        "*/*",
        "banana",
        f"{MEDIA_TYPE}, {MEDIA_TYPE}",
        f"{MEDIA_TYPE}; charset=utf-16",
        f"{MEDIA_TYPE}; charset=latin-1",
        f"{MEDIA_TYPE}; charset=hex",
        f"{MEDIA_TYPE}; version=1",
        f'{MEDIA_TYPE}; ext="https://jsonapi.org/ext/atomic"',
        *(f"{MEDIA_TYPE}; {parameter}" for parameter in SENSELESS),
    ],
)
def test_any_other_body_is_an_unsupported_media_type(api: ApiClient, content_type: str | None) -> None:
    detail = f"Requests must be {MEDIA_TYPE}, with no parameters but charset=utf-8, ext=bulk and profile"

    response = api.request("POST", "imports", DOCUMENT, content_type=content_type)

    assert_error(response, 415, "unsupported_media_type", detail)
    assert response.headers["Accept"] == MEDIA_TYPE


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "deflate", "br", "zstd", "gzip, identity", "banana"])
def test_a_compressed_body_is_an_unsupported_media_type_and_says_so(api: ApiClient, coding: str) -> None:
    body = gzip.compress(DOCUMENT.encode())

    response = api.request("POST", "imports", body, headers={"Content-Encoding": coding})

    detail = f"Content-Encoding '{coding}' is not supported: send the body uncompressed"
    assert_error(response, 415, "unsupported_media_type", detail, source={"header": "Content-Encoding"})
    assert response.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("coding", [None, "", "identity", " Identity "])
def test_a_body_without_a_coding_is_read(api: ApiClient, coding: str | None) -> None:
    assert api.request("POST", "imports", DOCUMENT, headers={"Content-Encoding": coding}).status_code == 201


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "multipart/form-data", f"{MEDIA_TYPE}; charset=hex"])
def test_a_request_without_a_body_needs_no_content_type(api: ApiClient, content_type: str | None) -> None:
    import_id = api.stage(PUBLISHED_ROWS)
    moves = [("GET", "imports"), ("POST", f"imports/{import_id}/import"), ("PATCH", f"imports/{import_id}/revert")]

    assert [api.request(*move, content_type=content_type).status_code for move in moves] == [200, 200, 200]


def test_the_body_of_a_get_request_is_not_read(api: ApiClient) -> None:
    assert api.request("GET", "imports", "no document", content_type="text/plain").status_code == 200


@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "utf-16", "utf-7", "hex", "idna", "unicode_escape"])
def test_urls_are_utf_8_whatever_the_charset_of_the_body(api: ApiClient, charset: str) -> None:
    company = make_company(organization=api.caller.organization, name="École+2AA-")

    response = api.request(
        "GET", "companies?filter[name]=%C3%89cole%2B2AA-", content_type=f"{MEDIA_TYPE}; charset={charset}"
    )

    assert [resource["id"] for resource in document_of(response)["data"]] == [str(company.pk)]


def test_text_of_every_alphabet_comes_back_unchanged(api: ApiClient) -> None:
    name = "Ægir Ł. 株式会社 🦄 \u2028"
    api.run({"company": [{"name": name}]})

    response = api.get("companies?sort=-id")

    assert document_of(response)["data"][0]["attributes"]["name"] == name.strip()
    assert "株式会社 🦄" in response.content.decode()
