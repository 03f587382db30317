"""Responses are compressed on request, and 304 if the client has the document already."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone

from people.models import ApiToken, Person
from people.services import NewOrganization
from tests.builders import PUBLISHED_ROWS, make_company, make_import, make_person
from tests.client import CONTENT_TYPE, ApiClient, WsgiClient, assert_error, document_of

VARY = "Accept, Accept-Encoding, X-Auth-Token, X-Organization-Id"


@pytest.fixture
def paths(api: ApiClient) -> list[str]:
    """The paths of all documents; an earlier request has moved last_seen_at."""
    person = api.caller.person
    import_id = make_import(creator=person).pk
    api.get("imports")
    singles = [f"imports/{import_id}", f"people/{person.pk}", f"companies/{person.company_id}"]
    return [*singles, f"organizations/{person.organization_id}", "imports", "people?page[size]=1", "companies"]


def tag_of(response: HttpResponse) -> str:
    assert response.status_code == 200, response.content
    return response.headers["ETag"]


@pytest.mark.parametrize("accepted", ["gzip", "x-gzip", "gzip, deflate, br", "br;q=1, gzip;q=0.1", "deflate,gzip"])
def test_a_client_that_accepts_gzip_gets_the_same_document_in_fewer_bytes(
    api: ApiClient, paths: list[str], accepted: str
) -> None:
    for path in paths:
        plain, compressed = api.get(path), api.get(path, **{"Accept-Encoding": accepted})

        assert compressed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(compressed.content) == plain.content
        assert len(compressed.content) < len(plain.content)
        assert compressed.headers["Content-Length"] == str(len(compressed.content))
        assert compressed.headers["ETag"] == plain.headers["ETag"]
        assert [response.headers["Vary"] for response in (plain, compressed)] == [VARY, VARY]


@pytest.mark.parametrize(
    "accepted",
    [None, "", "identity", "br", "gzip;q=0", "gzip; q=0.0, identity", "*;q=0", "gzipped", "br, gzip ; q=0"],
)
def test_a_client_that_does_not_accept_gzip_gets_the_document_uncompressed(
    api: ApiClient, accepted: str | None
) -> None:
    response = api.get("imports", **{"Accept-Encoding": accepted})

    assert "Content-Encoding" not in response.headers
    assert (document_of(response)["data"], response.headers["Vary"]) == ([], VARY)


def test_long_errors_are_compressed_and_short_errors_are_not(api: ApiClient) -> None:
    rows = {"person": [{"First Name": "", "Email": "x"}] * 10}
    body = {"data": {"type": "imports", "attributes": {"import_data": rows}}}
    asking = ApiClient(api.caller, **{"Accept-Encoding": "gzip"})

    long, short = asking.send("POST", "imports", body), asking.get("nothing")

    assert (long.status_code, long.headers["Content-Encoding"]) == (422, "gzip")
    assert gzip.decompress(long.content) == api.send("POST", "imports", body).content
    assert_error(short, 404, "record_not_found", "The requested record was not found")
    assert [response.headers["Vary"] for response in (long, short)] == [VARY, VARY]


def test_a_request_with_the_current_tag_gets_304_without_a_body(api: ApiClient, paths: list[str]) -> None:
    for path in paths:
        tag = tag_of(api.get(path))

        for method in "GET", "HEAD":
            for encoding in None, "gzip":
                headers = {"If-None-Match": tag, "Accept-Encoding": encoding}
                response = api.request(method, path, headers=headers)

                assert (response.status_code, response.content) == (304, b"")
                sent = {"ETag": tag, "Vary": VARY, "Cache-Control": "private, no-cache"}
                assert {name: response.headers.get(name) for name in sent} == sent
                assert not {"Content-Type", "Content-Encoding", "Content-Length"} & set(response.headers)


@pytest.mark.parametrize(
    ("known", "status"),
    [
        ("{tag}", 304),
        ("{strong}", 304),
        ('"a", {tag}', 304),
        ('W/"a",{strong} , "b"', 304),
        ("*", 304),
        ('"a"', 200),
        ('"*"', 200),
        ("{bare}", 200),
        ("", 200),
        ("banana", 200),
        (None, 200),
    ],
)
def test_tags_are_compared_weakly_and_an_invalid_tag_matches_nothing(
    api: ApiClient, paths: list[str], known: str | None, status: int
) -> None:
    tag = tag_of(api.get(paths[0]))
    strong = tag.removeprefix("W/")
    known = known and known.format(tag=tag, strong=strong, bare=strong.strip('"'))

    assert tag.startswith('W/"')
    assert api.get(paths[0], **{"If-None-Match": known}).status_code == status


def test_head_has_the_headers_of_get(api: ApiClient, paths: list[str]) -> None:
    for path in paths:
        head, get = (api.request(method, path) for method in ("HEAD", "GET"))

        assert (head.status_code, head.headers) == (200, get.headers)


CHANGES: list[Callable[[Person], object]] = [
    lambda person: person.imports.update(sample=True),
    lambda person: Person.objects.filter(pk=person.pk).update(title="Dr."),
    lambda person: Person.objects.filter(pk=person.pk).update(last_seen_at=timezone.now() + timedelta(seconds=1)),
    lambda person: person.company and type(person.company).objects.update(name="Other"),
    lambda person: type(person.organization).objects.update(time_zone="Asia/Kathmandu"),
    lambda person: type(person.organization).objects.update(features={"webhooks": {"available": False}}),
    lambda person: make_person(organization=person.organization, placeholder=True),
]


@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_the_tag_changes_with_whatever_the_document_shows(api: ApiClient, paths: list[str], number: int) -> None:
    before = {path: api.get(path) for path in paths}

    CHANGES[number](Person.objects.get(pk=api.caller.person.pk))

    answers = {path: api.get(path, **{"If-None-Match": tag_of(before[path])}) for path in paths}
    changed = {path for path in paths if api.get(path).content != before[path].content}
    assert changed
    assert {path for path in paths if answers[path].status_code == 200} == changed


def test_each_choice_of_fields_and_includes_has_a_tag_of_its_own(api: ApiClient, paths: list[str]) -> None:
    queries = ["", "?include=", "?include=creator", "?fields[imports]=sample"]

    assert len({tag_of(api.get(paths[0] + query)) for query in queries}) == len(queries)


def test_running_an_import_changes_its_tag(api: ApiClient) -> None:
    path = f"imports/{api.stage(PUBLISHED_ROWS)}"
    tag = tag_of(api.get(path))

    run = api.request("POST", f"{path}/import", headers={"If-None-Match": tag})

    assert (run.status_code, "ETag" in run.headers) == (200, False)
    assert api.get(path, **{"If-None-Match": tag}).status_code == 200


def test_a_caller_without_access_never_gets_304(api: ApiClient, globex: NewOrganization, paths: list[str]) -> None:
    known = {"If-None-Match": tag_of(api.get(paths[0]))}

    assert_error(
        api.get(paths[0], **known, **{"X-Auth-Token": None}), 401, "unauthenticated", "You are not authenticated"
    )
    assert api.get(paths[0], **known, **{"X-Organization-Id": str(globex.organization.pk)}).status_code == 403
    assert ApiClient(globex).get(paths[0], **known).status_code == 404
    ApiToken.objects.filter(person=api.caller.person).update(revoked=True)
    assert api.get(paths[0], **known).status_code == 401


@pytest.mark.parametrize(
    ("path", "status"), [("imports/999999999", 404), ("imports?banana=1", 400), ("nothing", 404), ("imports/x", 404)]
)
def test_refusals_have_no_tag_and_are_never_304(api: ApiClient, path: str, status: int) -> None:
    response = api.get(path, **{"If-None-Match": "*"})

    assert (response.status_code, response.headers["Vary"]) == (status, VARY)
    assert not {"ETag", "Cache-Control"} & set(response.headers)


@pytest.mark.parametrize("header", ["If-Match", "If-Unmodified-Since", "If-Modified-Since"])
def test_other_conditional_headers_are_ignored(api: ApiClient, paths: list[str], header: str) -> None:
    value = '"a"' if header == "If-Match" else "Thu, 01 Jan 1970 00:00:00 GMT"

    response = api.get(paths[0], **{header: value})

    assert (response.status_code, response.headers["Content-Type"]) == (200, CONTENT_TYPE)


def test_pages_of_the_admin_are_compressed_and_have_no_tag(db: None) -> None:
    response: Any = WsgiClient().get("/admin/login/", headers={"Accept-Encoding": "gzip", "If-None-Match": "*"})

    assert (response.status_code, response.headers["Content-Encoding"]) == (200, "gzip")
    assert "ETag" not in response.headers


def test_deleting_a_record_changes_the_tag_of_its_list(api: ApiClient) -> None:
    made = make_company(organization=api.caller.organization, name="Globex")
    tag = tag_of(api.get("companies"))
    made.delete()

    assert api.get("companies", **{"If-None-Match": tag}).status_code == 200
