"""The URLs and addresses that webhooks may be sent to: no service of the machine or of its networks.

A URL is checked when it is stored. Its host name is resolved once for each request, and the connection is made to one
of the addresses that were checked: a name that resolves to another one a moment later (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Takes a host name and a port, and returns IP addresses in the order of preference. Raises OSError.
Resolve = Callable[[str, int], Sequence[str]]

LONGEST_URL = 2000
PORTS = {"https": 443, "http": 80}
# Below are services such as SSH and mail, whose ports no receiver of webhooks has.
FIRST_OTHER_PORT = 1024

# Visible ASCII without the backslash, which browsers and libraries read differently.
_URL_CHARACTERS = re.compile(r"[\x21-\x5b\x5d-\x7e]*")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
# Resolvers read 127.1, 2130706433 and 0x7f.0.0.1 as IPv4 addresses, too.
_NUMBER = re.compile(r"(?:\d+|0x[0-9a-f]*)")

# Global unicast is the only part of IPv6 that has been assigned to public networks (RFC 4291, section 2.4).
_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
# NAT64 (RFC 6052): how a host without IPv4 reaches IPv4 addresses.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Networks that are not public, whatever ``is_global`` of older versions of Python says of them (IANA's registries of
# special-purpose addresses), and an address by which every virtual machine on Azure reaches its platform.
_OTHER_NETWORKS = tuple(
    map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "2001:db8::/32", "3fff::/20"))
)


class UrlRefused(ValueError):
    """A URL that webhooks are not sent to. The message follows the word URL: ``must be …``."""


@dataclass(frozen=True)
class Target:
    """A checked URL.

    Attributes:
        host: a lowercase name or an IP address, without brackets.
        authority: the value of the header ``Host``.
        path: with the query.
    """

    host: str
    port: int
    is_tls: bool
    authority: str
    path: str


def read_url(url: str, *, allow_private: bool) -> Target:
    """Check a URL without resolving its name; with ``allow_private``, http and private addresses are accepted.

    Raises:
        UrlRefused: webhooks are not sent to this URL.
    """
    if len(url) > LONGEST_URL:
        raise UrlRefused(f"must have at most {LONGEST_URL:,} characters")
    if not _URL_CHARACTERS.fullmatch(url):
        raise UrlRefused("must be ASCII without spaces; encode other characters with % and names with punycode")
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").lower()
    except ValueError:
        raise UrlRefused("must be a URL such as https://example.com/webhooks") from None
    if parts.scheme not in PORTS or not host:
        raise UrlRefused("must be a URL such as https://example.com/webhooks")
    if parts.scheme != "https" and not allow_private:
        raise UrlRefused("must begin with https://")
    _check_parts(parts, port)
    _check_host(host, is_literal="[" in parts.netloc, allow_private=allow_private)
    return Target(
        host=host,
        port=PORTS[parts.scheme] if port is None else port,
        is_tls=parts.scheme == "https",
        authority=parts.netloc,
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )


def _check_parts(parts: SplitResult, port: int | None) -> None:
    if "@" in parts.netloc:
        raise UrlRefused("must not contain a user name or password")
    if parts.fragment:
        raise UrlRefused("must not have a fragment")
    if port is not None and port not in PORTS.values() and port < FIRST_OTHER_PORT:
        raise UrlRefused(f"must have the port 443, 80 or one from {FIRST_OTHER_PORT} on")


def _check_host(host: str, *, is_literal: bool, allow_private: bool) -> None:
    address = _read_address(host)
    if address is None:
        is_name = not is_literal and len(host) <= 253 and _HOST_NAME.fullmatch(host)
        if not is_name or _NUMBER.fullmatch(host.rpartition(".")[2]):
            raise UrlRefused("must have a host name, or an IP address in its usual form")
    if allow_private:
        return
    if address is not None and not is_public(address):
        raise UrlRefused("must not have a private address")
    # There are no public names of one label, and localhost is never public (RFC 6761, section 6.3).
    if address is None and ("." not in host or host.endswith(".localhost")):
        raise UrlRefused("must have a public host name")


def find_addresses(target: Target, *, resolve: Resolve, allow_private: bool) -> Sequence[str]:
    """Resolve the host of a checked URL once. The addresses are those to connect to, in the order of preference.

    Raises:
        UrlRefused: one of the addresses is not public.
        OSError: the name cannot be resolved.
    """
    addresses = list(dict.fromkeys(resolve(target.host, target.port)))
    if not addresses:
        raise OSError("no addresses")
    if not allow_private and not all(_is_public_text(each) for each in addresses):
        # Without the address: it may be that of a machine in a private network.
        raise UrlRefused("must not lead to a private address")
    return addresses


def resolve_host(host: str, port: int) -> Sequence[str]:
    """The addresses of a host by the system's resolver, which ends a lookup that takes too long."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(socket_address[0]) for *_, socket_address in found]


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, and so do the IPv4 addresses that are embedded in it.

    ``ipaddress`` says ``is_global`` of multicast addresses, and of embedded addresses whatever they are.
    """
    if any(address in network for network in _OTHER_NETWORKS):
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    if address.scope_id is not None:
        return False
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    # 6to4 (RFC 7526) and Teredo tunnels are no longer in use.
    is_tunnel = address.sixtofour is not None or address.teredo is not None
    return address in _PUBLIC_IPV6 and address.is_global and not is_tunnel


def _is_public_text(written: str) -> bool:
    address = _read_address(written)
    return address is not None and is_public(address)


def _read_address(written: str) -> Address | None:
    try:
        return ipaddress.ip_address(written)
    except ValueError:
        return None
