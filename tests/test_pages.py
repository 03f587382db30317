"""The pages that need no account: what they are allowed to do, and to whom they answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.client import WsgiClient

OF_ALL = {"default-src 'none'", "font-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"}
SCRIPTS = {"script-src 'self'", "connect-src 'self'", "img-src 'self' data:"}
POLICIES = {
    "/": OF_ALL | {"style-src 'self'", "img-src 'self'"},
    "/api/docs/": OF_ALL | SCRIPTS | {"style-src 'self' 'unsafe-inline'", "worker-src blob:"},
    "/api/try/": OF_ALL | SCRIPTS | {"style-src 'self'"},
}


@pytest.mark.parametrize("path", POLICIES)
@pytest.mark.django_db
def test_a_page_may_do_only_what_it_needs(path: str) -> None:
    response: Any = WsgiClient().get(path)

    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert set(response.headers["Content-Security-Policy"].split("; ")) == POLICIES[path]
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("path", POLICIES)
@pytest.mark.django_db
def test_a_page_can_only_be_read(path: str) -> None:
    client = WsgiClient()
    # A form that is not Django's own is refused before the method is looked at.
    requests = [("HEAD", path), ("POST", path), ("GET", f"{path}nothing")]

    assert [client.generic(method, url).status_code for method, url in requests] == [200, 403, 404]
