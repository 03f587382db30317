"""Clients that send real requests to the application that gunicorn serves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http import HttpResponse
from django.test import RequestFactory

from importsvc.wsgi import application
from people.services import NewOrganization
from tests.openapi.description import check_response, is_file

MEDIA_TYPE = "application/vnd.api+json"
CONTENT_TYPE = f"{MEDIA_TYPE}; charset=utf-8"

# The headers that the published page sends with every request.
PAGE_ACCEPT = "text/xml,application/xml,application/xhtml+xml,text/html;q=0.9,text/plain;q=0.8,image/png,*/*;q=0.5"


class WsgiClient(RequestFactory):
    """Sends requests to the application. Unlike Django's client it goes through every layer and never raises."""

    def request(self, **request: Any) -> HttpResponse:  # type: ignore[override]
        """The response, complete."""
        environ = self._base_environ(**request)  # type: ignore[attr-defined]
        # Django closes connections before and after a request, also one in the transaction of a test.
        for signal in request_started, request_finished:
            signal.disconnect(close_old_connections)
        response: Any = application(environ, lambda *_: lambda _: None)
        response.close()
        return response

    def generic(self, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        """Any request, passed on to ``request``."""
        answer: Any = super().generic(*args, **kwargs)
        return answer


class ApiClient:
    """Sends requests of one person, with the headers of the published page; every response must be JSON:API."""

    def __init__(self, caller: NewOrganization, **headers: str) -> None:
        self.caller = caller
        self.headers = {
            "Accept": PAGE_ACCEPT,
            "X-Auth-Token": caller.token,
            "X-Organization-Id": str(caller.organization.pk),
            # Without it each response would have another one.
            "X-Request-Id": "test",
            **headers,
        }
        self.client = WsgiClient()
        # Unset where a test makes records that the service cannot have.
        self.checks_description = True

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        *,
        content_type: str | None = MEDIA_TYPE,
        headers: Mapping[str, str | None] | None = None,
    ) -> HttpResponse:
        """Any request. A header of ``None`` is not sent; a type is sent even without a body, as on the page."""
        wanted = {**self.headers, "Content-Type": content_type, **(headers or {})}
        sent = {name: value for name, value in wanted.items() if value is not None}
        response: Any = self.client.generic(
            method,
            path if path.startswith("/") else f"/api/v2/{path}",
            body if body is not None else b"",
            content_type="",  # unless a header overrides it
            headers=sent,
        )
        if self.checks_description:
            check_response(method, path, response)
        # Not modified: no body, and so no type. The description has the types of files.
        if not (self.checks_description and is_file(response)):
            assert response.headers.get("Content-Type") == (CONTENT_TYPE if response.status_code != 304 else None)
        return response

    def get(self, path: str, **headers: str | None) -> HttpResponse:
        """``GET``, with further headers."""
        return self.request("GET", path, headers=headers)

    def send(self, method: str, path: str, document: Any) -> HttpResponse:
        """A request with a document."""
        return self.request(method, path, json.dumps(document))

    def send_import(self, method: str, path: str, **attributes: Any) -> HttpResponse:
        """A request with a document of an import that has these attributes."""
        return self.send(method, path, {"data": {"type": "imports", "attributes": attributes}})

    def stage(self, import_data: Any) -> str:
        """Create an import and return its id."""
        response = self.send_import("POST", "imports", import_data=import_data)
        assert response.status_code == 201, response.content
        return str(document_of(response)["data"]["id"])

    def run(self, import_data: Any) -> str:
        """Create and run an import and return its id."""
        import_id = self.stage(import_data)
        response = self.request("POST", f"imports/{import_id}/import")
        assert response.status_code == 200, response.content
        return import_id


def document_of(response: HttpResponse) -> Any:
    """The document of a response, with the order of its members."""
    return json.loads(response.content)


def error_document(status: int, code: str, detail: Any, **members: Any) -> dict[str, Any]:
    """A document with one error, with its members in the page's order."""
    title = code.replace("_", " ").title()
    return {"errors": [{"status": str(status), "code": code, "title": title, "detail": detail, **members}]}


def assert_error(response: HttpResponse, status: int, code: str, detail: Any, **members: Any) -> None:
    """The response is this error byte for byte, members in this order."""
    expected = error_document(status, code, detail, **members)
    content = response.content.decode()
    assert (response.status_code, json.loads(content)) == (status, expected), f"{response.status_code} {content}"
    assert content == json.dumps(expected, separators=(",", ":"), ensure_ascii=False)


def is_replay(response: HttpResponse) -> bool:
    """Whether the response is a replay of an earlier one with the same key."""
    assert response.headers.get("Idempotency-Replayed") in (None, "true")
    return "Idempotency-Replayed" in response.headers


def assert_replayed(first: HttpResponse, again: HttpResponse) -> None:
    """The second response is the first one byte for byte, marked as a replay."""
    assert not is_replay(first)
    assert again.status_code == first.status_code
    assert dict(again.headers) == {**first.headers, "Idempotency-Replayed": "true"}
    assert again.content == first.content
