"""Forwarded headers count from trusted proxies only."""

from __future__ import annotations

from typing import Any

import pytest

from importsvc.http.forwarded import Forwarded

PROXIES = ("10.0.0.5", "192.168.0.0/16", "fd00::/8")
SENT: dict[str, Any] = {
    "HTTP_X_FORWARDED_FOR": "203.0.113.7",
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "evil.example.com",
    "HTTP_FORWARDED": "for=203.0.113.7;proto=https",
}
OTHERS = {"HTTP_HOST": "localhost", "PATH_INFO": "/api/v2/imports", "SCRIPT_NAME": ""}


def forward(trusted_proxies: tuple[str, ...] = PROXIES, **environ: str) -> dict[str, Any]:
    """What the application sees."""
    seen: dict[str, Any] = {}

    def application(given: Any, _start_response: Any) -> list[bytes]:
        seen.update(given)
        return []

    Forwarded(application, trusted_proxies=trusted_proxies)({**OTHERS, **environ}, lambda *_: lambda _: None)
    return seen


@pytest.mark.parametrize("address", ["10.0.0.6", "203.0.113.7", "127.0.0.1", "::1", "fe80::1", "", "unix"])
def test_others_than_trusted_proxies_cannot_say_anything(address: str) -> None:
    assert forward(REMOTE_ADDR=address, **SENT) == {**OTHERS, "REMOTE_ADDR": address}


def test_without_trusted_proxies_nothing_counts() -> None:
    assert forward((), REMOTE_ADDR="127.0.0.1", **SENT) == {**OTHERS, "REMOTE_ADDR": "127.0.0.1"}


@pytest.mark.parametrize("address", ["10.0.0.5", "192.168.3.4", "fd00::7"])
def test_a_trusted_proxy_says_what_the_client_is(address: str) -> None:
    assert forward(REMOTE_ADDR=address, **SENT) == {**OTHERS, **SENT, "REMOTE_ADDR": "203.0.113.7"}


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),  # the client's own header, and what the proxy has added
        ("203.0.113.7,192.168.1.1,10.0.0.5", "203.0.113.7"),
        ("192.168.1.1, 10.0.0.5", "192.168.1.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("", "10.0.0.5"),
        ("banana", "10.0.0.5"),
        ("203.0.113.7, banana", "10.0.0.5"),
        (" , ,", "10.0.0.5"),
        ("203.0.113.7:443", "10.0.0.5"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_trusted_proxys(header: str, address: str) -> None:
    assert forward(REMOTE_ADDR="10.0.0.5", HTTP_X_FORWARDED_FOR=header)["REMOTE_ADDR"] == address
