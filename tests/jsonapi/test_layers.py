"""Errors outside of views are JSON:API documents under the API's path, and pages elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client
from pytest_django import Settings

from tests.client import CONTENT_TYPE, ApiClient, WsgiClient, assert_error, error_document

BAD_HOST = "The Host header names none of the service's hosts (ALLOWED_HOSTS)"

GetResponse = Callable[[HttpRequest], HttpResponse]

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BANANA"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "path",
    [
        "/api/",
        "/api/v2",
        "/api/v2/",
        "/api/v1/imports",
        "/api/v2//",
        "/api/v2/imports//",
        "/api/v2/imports/1/banana/",
        "/api/v1/imports/",
        "/api/v2/imports/1/banana",
        "/api/v2/imports/1.5",
        "/api/v2/imports%0A",
        "/api/v2/organizations",
        "/api/v2/%FF",
    ],
)
def test_an_unknown_url_is_not_found_whatever_the_method_and_the_caller(method: str, path: str) -> None:
    response = WsgiClient().generic(method, path, b"{}", content_type="text/plain")

    assert_error(response, 404, "record_not_found", "The requested record was not found")
    assert response.headers["Content-Type"] == CONTENT_TYPE


def test_head_of_an_unknown_url_has_the_headers_of_get() -> None:
    headers = {"X-Request-Id": "test"}
    head, get = (WsgiClient().generic(method, "/api/nothing", headers=headers) for method in ("HEAD", "GET"))

    assert (head.status_code, head.headers) == (get.status_code, get.headers)


@pytest.mark.parametrize("host", ["evil.example.com", "a b", "[", "testserver:x", "\xff"])
@pytest.mark.parametrize("path", ["imports", "nothing"])
def test_a_bad_host_is_a_bad_request(api: ApiClient, host: str, path: str) -> None:
    assert_error(api.get(path, Host=host), 400, "bad_request", BAD_HOST)


def test_a_bad_host_of_the_admin_is_a_bad_request_that_says_so() -> None:
    response = WsgiClient().generic("GET", "/admin/", headers={"Host": "evil.example.com"})

    assert response.status_code == 400
    assert response.content.decode() == f"<!doctype html>\n<title>Bad Request (400)</title>\n<h1>{BAD_HOST}</h1>\n"


@pytest.mark.parametrize("cookie", ["sessionid=x", "csrftoken=\xff", "=;=;;", "a" * 10_000_000])
def test_cookies_are_ignored(api: ApiClient, cookie: str) -> None:
    assert api.get("imports", Cookie=cookie).content == api.get("imports").content


def test_no_response_of_the_api_sets_a_cookie(api: ApiClient) -> None:
    assert not api.get("imports").cookies
    assert not api.request("POST", "nothing").cookies


def reads_the_body(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        assert request.body is not None
        return get_response(request)

    return middleware


def refuses(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> NoReturn:
        raise PermissionDenied("secret")

    return middleware


def suspects(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> NoReturn:
        raise SuspiciousOperation("secret")

    return middleware


def crashes(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> NoReturn:
        raise RuntimeError("secret")

    return middleware


def loses(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> NoReturn:
        raise Http404("secret")

    return middleware


@pytest.mark.parametrize(
    ("middleware", "status", "code", "detail"),
    [
        (reads_the_body, 413, "payload_too_large", "The request body is too large"),
        (refuses, 403, "access_denied", "You are not authorized to access this resource"),
        (loses, 404, "record_not_found", "The requested record was not found"),
        (suspects, 400, "bad_request", "The request could not be read"),
        (crashes, 500, "server_error", "Something went wrong on our side"),
    ],
)
def test_an_error_in_a_middleware_is_a_document_under_the_api_and_a_page_elsewhere(
    settings: Settings, middleware: Callable[[GetResponse], GetResponse], status: int, code: str, detail: str
) -> None:
    settings.MIDDLEWARE = [f"{__name__}.{middleware.__name__}"]
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 3
    client = Client(raise_request_exception=False)

    document, page = (client.generic("POST", path, b"four") for path in ("/api/v2/imports", "/admin/"))

    assert (document.status_code, document.headers["Content-Type"]) == (status, CONTENT_TYPE)
    assert document.json() == error_document(status, code, detail)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.status_code == (status if status != 413 else 400)


def test_errors_of_the_admin_are_pages(admin_user: User, settings: Settings) -> None:
    settings.STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    client.force_login(admin_user)
    responses = [
        client.get("/admin/nothing"),
        client.get("/nothing"),
        client.get("/apiary"),
        client.post("/admin/login/"),
        client.get("/admin/", headers={"Host": "evil.example.com"}),
    ]

    assert [response.status_code for response in responses] == [404, 404, 404, 403, 400]
    assert {response.headers["Content-Type"] for response in responses} == {"text/html; charset=utf-8"}
