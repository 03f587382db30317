"""Webhooks are sent to public hosts only: which URLs and addresses are accepted."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import pytest

from importsvc.webhooks.addresses import Target, UrlRefused, find_addresses, is_public, read_url, resolve_host

USUAL = "must have a host name, or an IP address in its usual form"
NO_URL = "must be a URL such as https://example.com/webhooks"
PRIVATE = "must not have a private address"
NO_PUBLIC_NAME = "must have a public host name"
PORT = "must have the port 443, 80 or one from 1024 on"
CHARACTERS = "must be ASCII without spaces; encode other characters with % and names with punycode"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.com", Target("example.com", 443, True, "example.com", "/")),
        ("https://Example.COM:8443/a?b=c", Target("example.com", 8443, True, "Example.COM:8443", "/a?b=c")),
        ("https://example.com?b", Target("example.com", 443, True, "example.com", "/?b")),
        ("https://8.8.8.8/x", Target("8.8.8.8", 443, True, "8.8.8.8", "/x")),
        ("https://[2606:4700::1111]/", Target("2606:4700::1111", 443, True, "[2606:4700::1111]", "/")),
        ("https://xn--bcher-kva.example/", Target("xn--bcher-kva.example", 443, True, "xn--bcher-kva.example", "/")),
        ("https://my_hooks.example.com/", Target("my_hooks.example.com", 443, True, "my_hooks.example.com", "/")),
        ("https://1.example.com/", Target("1.example.com", 443, True, "1.example.com", "/")),
        ("https://127.0.0.1.nip.io/", Target("127.0.0.1.nip.io", 443, True, "127.0.0.1.nip.io", "/")),
    ],
)
def test_a_url_of_a_public_host_is_accepted(url: str, target: Target) -> None:
    assert read_url(url, allow_private=False) == target


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", NO_URL),
        ("example.com", NO_URL),
        ("//example.com", NO_URL),
        ("https://", NO_URL),
        ("https:///path", NO_URL),
        ("https://:443/", NO_URL),
        ("ftp://example.com/", NO_URL),
        ("file:///etc/passwd", NO_URL),
        ("javascript:alert(1)", NO_URL),
        ("gopher://example.com/", NO_URL),
        ("https://[::1/", NO_URL),
        ("https://[example.com]/", NO_URL),
        ("https://example.com:x/", NO_URL),
        ("https://example.com:65536/", NO_URL),
        ("http://example.com/", "must begin with https://"),
        ("https://user:password@example.com/", "must not contain a user name or password"),
        ("https://example.com@evil.example/", "must not contain a user name or password"),
        ("https://@example.com/", "must not contain a user name or password"),
        ("https://example.com/#a", "must not have a fragment"),
        ("https://example.com:0/", PORT),
        ("https://example.com:22/", PORT),
        ("https://example.com:1023/", PORT),
        (f"https://example.com/{'x' * 1981}", "must have at most 2,000 characters"),
        ("https://exam ple.com/", CHARACTERS),
        (" https://example.com/", CHARACTERS),
        ("https://example.com/\n", CHARACTERS),
        ("https://exa\tmple.com/", CHARACTERS),
        ("https://example.com\\@127.0.0.1/", CHARACTERS),
        ("https://bücher.example/", CHARACTERS),
        ("https://①②⑦.⓪.⓪.①/", CHARACTERS),
        ("https://example.com/\x00", CHARACTERS),
        ("https://example.com./", USUAL),
        ("https://example..com/", USUAL),
        ("https://-example.com/", USUAL),
        ("https://ex%61mple.com/", USUAL),
        (f"https://{'a' * 64}.com/", USUAL),
        (f"https://{'a.' * 127}com/", USUAL),
        ("https://2130706433/", USUAL),
        ("https://0x7f000001/", USUAL),
        ("https://0177.0.0.1/", USUAL),
        ("https://127.1/", USUAL),
        ("https://0x7f.0.0.1/", USUAL),
        ("https://127.0.0.0x1/", USUAL),
        ("https://127.0.0.01/", USUAL),
        ("https://8.8.8.8.8/", USUAL),
        ("https://127.0.0.1/", PRIVATE),
        ("https://0.0.0.0/", PRIVATE),
        ("https://169.254.169.254/latest/meta-data/", PRIVATE),
        ("https://10.0.0.1:8000/", PRIVATE),
        ("https://[::1]/", PRIVATE),
        ("https://[::]/", PRIVATE),
        ("https://[::ffff:127.0.0.1]/", PRIVATE),
        ("https://[fe80::1%25eth0]/", PRIVATE),
        ("https://localhost/", NO_PUBLIC_NAME),
        ("https://metadata/", NO_PUBLIC_NAME),
        ("https://app.localhost/", NO_PUBLIC_NAME),
    ],
)
def test_another_url_is_refused_with_the_reason(url: str, message: str) -> None:
    with pytest.raises(UrlRefused) as caught:
        read_url(url, allow_private=False)

    assert str(caught.value) == message


def test_the_longest_url_is_accepted() -> None:
    assert read_url(f"https://example.com/{'x' * 1980}", allow_private=False).port == 443


@pytest.mark.parametrize(
    ("url", "host"),
    [("http://localhost:8000/", "localhost"), ("http://127.0.0.1:8000/", "127.0.0.1"), ("https://[::1]/", "::1")],
)
def test_http_and_private_addresses_are_accepted_where_they_are_allowed(url: str, host: str) -> None:
    assert read_url(url, allow_private=True).host == host


@pytest.mark.parametrize("url", ["http://user@localhost/", "http://localhost:22/", "http://2130706433/", "ftp://a/"])
def test_what_is_no_url_of_a_receiver_is_refused_also_where_private_addresses_are_allowed(url: str) -> None:
    with pytest.raises(UrlRefused):
        read_url(url, allow_private=True)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_an_address_of_the_public_internet_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - binds nothing
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",  # metadata of Alibaba Cloud
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",  # the platform of Azure
        "169.254.169.254",  # metadata of most clouds
        "172.16.0.1",
        "192.0.0.192",  # metadata of Oracle Cloud
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::808:808",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",  # metadata of AWS
        "fe80::1",
        "fe80::1%1",
        "2606:4700::1%1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_any_other_address_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


def resolve_to(*addresses: str) -> Sequence[str]:
    target = read_url("https://hooks.example.com/", allow_private=False)
    return find_addresses(target, resolve=lambda host, port: addresses, allow_private=False)


def test_the_addresses_of_a_name_are_tried_in_the_order_of_the_resolver() -> None:
    assert resolve_to("2606:4700::1111", "8.8.8.8", "8.8.8.8") == ["2606:4700::1111", "8.8.8.8"]


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::1", "8.8.8.8"], ["fe80::1%eth0"], ["no address"]]
)
def test_a_name_with_an_address_that_is_not_public_is_refused_without_saying_which(addresses: list[str]) -> None:
    with pytest.raises(UrlRefused, match=r"^must not lead to a private address$"):
        resolve_to(*addresses)


def test_a_name_without_addresses_cannot_be_resolved() -> None:
    with pytest.raises(OSError, match="no addresses"):
        resolve_to()


def test_the_resolver_of_the_system_finds_the_addresses_of_a_name() -> None:
    assert set(resolve_host("localhost", 443)) <= {"127.0.0.1", "::1"}
    assert resolve_host("2130706433", 443) == ["127.0.0.1"]
