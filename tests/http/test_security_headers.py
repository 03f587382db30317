"""Every response has the headers that tell browsers what not to do."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.client import ApiClient, WsgiClient

POLICY = {
    "default-src 'none'",
    "script-src 'self' 'unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "font-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}
PERMISSIONS = (
    "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()"
)


@pytest.mark.parametrize(
    ("path", "status", "headers"),
    [
        ("/api/v2/imports", 200, {}),
        ("/api/v2/imports", 401, {"X-Auth-Token": ""}),
        ("/api/v2/nothing", 404, {}),
        ("/api/v2/imports", 400, {"Host": "a b"}),
        ("/admin/login/", 200, {}),
        ("/admin/nothing/", 302, {}),
        ("/health/live", 200, {"Host": "a b"}),
        ("/static/unfold/css/styles.css", 200, {}),
    ],
)
def test_every_response_has_them(api: ApiClient, path: str, status: int, headers: dict[str, str]) -> None:
    response: Any = WsgiClient().get(path, headers={**api.headers, **headers})

    assert response.status_code == status
    assert set(response.headers["Content-Security-Policy"].split("; ")) == POLICY
    assert response.headers["Permissions-Policy"] == PERMISSIONS
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in response.headers


@pytest.mark.parametrize(("is_secure", "expected"), [(True, "max-age=60"), (False, None)])
def test_browsers_are_told_to_use_tls_over_tls_only(
    db: None, settings: Settings, is_secure: bool, expected: str | None
) -> None:
    settings.SECURE_HSTS_SECONDS = 60

    response: Any = Client().get("/admin/login/", secure=is_secure)

    assert response.headers.get("Strict-Transport-Security") == expected
