"""What proxies say of the client: believed if a proxy says it that the operator trusts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_PREFIXES = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_")


class Forwarded:
    """WSGI middleware that drops forwarded headers, unless the connection comes from a trusted proxy.

    Behind one, ``REMOTE_ADDR`` is the last address of ``X-Forwarded-For`` that is not a trusted proxy's: the one before
    it may have been written by the client. ``X-Forwarded-Proto`` is left to Django's ``SECURE_PROXY_SSL_HEADER``.
    """

    def __init__(self, application: WSGIApplication, *, trusted_proxies: Sequence[str]) -> None:
        self._application = application
        self._trusted = [ip_network(each) for each in trusted_proxies]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self._is_trusted(environ.get("REMOTE_ADDR", "")):
            hops = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",")]
            client = next((hop for hop in reversed(hops) if not self._is_trusted(hop)), hops[0])
            if _is_address(client):
                environ["REMOTE_ADDR"] = client
        else:
            for name in [name for name in environ if name.startswith(_PREFIXES)]:
                del environ[name]
        return self._application(environ, start_response)

    def _is_trusted(self, written: str) -> bool:
        return _is_address(written) and any(ip_address(written) in network for network in self._trusted)


def _is_address(written: str) -> bool:
    try:
        ip_address(written)
    except ValueError:
        return False
    return True
