"""Pages of other origins may call the API if the operator names the origins, and read its headers (CORS)."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any

import pytest

from importsvc.http import cross_origin
from people.services import NewOrganization, create_organization
from tests.client import ApiClient, WsgiClient, assert_error
from tests.openapi.description import read_description
from tests.service import Received, Service, run_service

ALLOWED = "https://app.example.com"
OTHER = "https://other.example.com"
PREFLIGHT = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "x-auth-token"}


def list_cors_headers(response: Any) -> list[str]:
    return sorted(name for name in response.headers if name.lower().startswith("access-control-"))


@pytest.mark.django_db
def test_without_configured_origins_no_response_has_headers_of_cors(api: ApiClient) -> None:
    plain, with_origin = api.get("imports"), api.get("imports", Origin=ALLOWED)
    preflight = WsgiClient().generic("OPTIONS", "/api/v2/imports", headers={"Origin": ALLOWED, **PREFLIGHT})

    assert dict(with_origin.headers) == dict(plain.headers)
    assert list_cors_headers(plain) == list_cors_headers(preflight) == []
    assert_error(preflight, 401, "unauthenticated", "You are not authenticated")


def read_header_names(part: Any) -> Iterator[str]:
    """The names of all headers of responses in a part of the description."""
    if isinstance(part, dict):
        if isinstance(part.get("headers"), dict):
            yield from part["headers"]
        for each in part.values():
            yield from read_header_names(each)
    elif isinstance(part, list):
        for each in part:
            yield from read_header_names(each)


def test_pages_may_send_and_read_every_header_of_the_description() -> None:
    description = read_description()
    operations = [operation for path in description["paths"].values() for operation in path.values()]
    sent = {
        parameter["name"] for operation in operations for parameter in operation["parameters"]
        if parameter["in"] == "header"
    }  # fmt: skip
    sent |= {scheme["name"] for scheme in description["components"]["securitySchemes"].values()}

    assert {name.lower() for name in sent} <= set(cross_origin.REQUEST_HEADERS)
    assert set(read_header_names(description)) <= set(cross_origin.RESPONSE_HEADERS)
    assert {method.upper() for path in description["paths"].values() for method in path} <= set(cross_origin.METHODS)


def ask(service: Service, method: str, path: str, **headers: str) -> Received:
    client = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    client.request(method, path, headers=headers)
    response = client.getresponse()
    received = Received(response.status, dict(response.getheaders()), response.read())
    client.close()
    return received


@pytest.mark.django_db(transaction=True)
def test_configured_origins_may_call_the_api_and_no_other_origin_and_nothing_but_the_api() -> None:
    acme: NewOrganization = create_organization(name="Acme", email="ada@acme.test")
    with run_service(CORS_ALLOWED_ORIGINS=f"https://a.test,{ALLOWED}", WORKERS="0") as service:
        preflight = ask(service, "OPTIONS", "/api/v2/imports/1", Origin=ALLOWED, **PREFLIGHT)
        read = service.send(acme, "GET", "imports", Origin=ALLOWED)
        refused = ask(service, "GET", "/api/v2/imports", Origin=ALLOWED)
        unknown = ask(service, "GET", "/api/v2/banana", Origin=ALLOWED)
        elsewhere = [
            service.send(acme, "GET", "imports", Origin=OTHER),
            service.send(acme, "GET", "imports"),
            ask(service, "OPTIONS", "/api/v2/imports/1", Origin=OTHER, **PREFLIGHT),
            ask(service, "GET", "/admin/login/", Origin=ALLOWED),
        ]

    of_all = {
        "access-control-allow-origin": ALLOWED,
        "access-control-expose-headers": ", ".join(cross_origin.RESPONSE_HEADERS),
    }
    of_preflights = {
        "access-control-allow-headers": ", ".join(cross_origin.REQUEST_HEADERS),
        "access-control-allow-methods": "GET, HEAD, POST, PATCH, DELETE",
        "access-control-max-age": "7200",
    }
    assert [each.status for each in (preflight, read, refused, unknown)] == [200, 200, 401, 404]
    for received in (preflight, read, refused, unknown):
        expected = {**of_all, **of_preflights} if received is preflight else of_all
        assert {name: received.headers[name] for name in list_cors_headers(received)} == expected
        assert "origin" in received.headers["Vary"].lower()
    assert [list_cors_headers(each) for each in elsewhere] == [[], [], [], []]
    assert [each.status for each in elsewhere] == [200, 200, 200, 200]
