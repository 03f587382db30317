"""Kinds of variables that name hosts, and services at URLs."""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

import environ
import psycopg2
from psycopg2.extensions import make_dsn

from importsvc.environment.variable import Kind

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")

_ORIGINS = "be origins such as https://imports.example.com, separated by commas"

# Django's backend, which also knows databases that are distributed over nodes.
POSTGRESQL = "importsvc.postgres.citus"

# Options of a connection that Django takes out before it connects.
_DJANGO_OPTIONS = ("assume_role", "isolation_level", "pool", "server_side_binding")


def listen_host() -> Kind[str]:
    """An address to listen on, or a name of one."""

    def parse(text: str) -> str:
        _check_host(text)
        return text

    return Kind("be an IP address or a host name, without a port", parse)


def served_host() -> Kind[str]:
    """An entry of Django's ``ALLOWED_HOSTS``."""

    def parse(text: str) -> str:
        if text != "*":
            _check_host(text[1:-1] if text.startswith("[") and text.endswith("]") else text.removeprefix("."))
        return text

    return Kind("be host names or addresses without scheme and port, separated by commas, such as a.example.com", parse)


def origin_pattern() -> Kind[str]:
    """An entry of Django's ``CSRF_TRUSTED_ORIGINS``: an origin, or one with ``*.`` for all its subdomains."""

    def parse(text: str) -> str:
        _check_host((_split_origin(text).hostname or "").removeprefix("*."))
        return text

    return Kind(_ORIGINS, parse)


def origin() -> Kind[str]:
    """An origin as browsers send it (RFC 6454, section 6): in lower case, without the port that the scheme implies."""

    def parse(text: str) -> str:
        parts = _split_origin(text)
        host = parts.hostname or ""
        _check_host(host)
        shown_host = f"[{host}]" if ":" in host else host
        is_implied = parts.port in (None, {"http": 80, "https": 443}[parts.scheme])
        return f"{parts.scheme}://{shown_host}" + ("" if is_implied else f":{parts.port}")

    return Kind(_ORIGINS, parse)


def network() -> Kind[str]:
    """An address, or a network of addresses."""

    def parse(text: str) -> str:
        return str(ipaddress.ip_network(text))

    return Kind("be addresses and networks, separated by commas, such as 10.0.0.5,192.168.7.0/24", parse)


def database_url() -> Kind[dict[str, Any]]:
    """A PostgreSQL database, as an entry of Django's ``DATABASES``."""

    def parse(text: str) -> dict[str, Any]:
        _split(text, "postgres", "postgresql", needs_host=False)
        database: dict[str, Any] = environ.Env.db_url_config(text, engine=POSTGRESQL)
        options = {**database.get("OPTIONS", {})}
        if not database["NAME"] and "service" not in options:
            raise ValueError
        try:
            make_dsn(**{name: value for name, value in options.items() if name not in _DJANGO_OPTIONS})
        except psycopg2.Error:
            raise ValueError from None
        return database

    return Kind("name a PostgreSQL database: postgres://user:password@host:5432/name", parse, is_secret=True)


def broker_url() -> Kind[str]:
    """A RabbitMQ, or several with semicolons between them."""

    def parse(text: str) -> str:
        for url in text.split(";"):
            _split(url, "amqp", "amqps")
        return text

    return Kind("name a RabbitMQ: amqp://user:password@host:5672/vhost", parse, is_secret=True)


def redis_url() -> Kind[str]:
    """A Redis."""

    def parse(text: str) -> str:
        parts = _split(text, "redis", "rediss")
        if not re.fullmatch("/?|/[0-9]{1,4}", parts.path):
            raise ValueError
        return text

    return Kind("name a Redis: redis://user:password@host:6379/0", parse, is_secret=True)


def sentry_dsn() -> Kind[str]:
    """A project of Sentry."""

    def parse(text: str) -> str:
        parts = _split(text, "http", "https")
        if not parts.username or not re.fullmatch("/(.*/)?[0-9]+", parts.path):
            raise ValueError
        return text

    return Kind("name a project of Sentry: https://key@host/1", parse, is_secret=True)


def http_url() -> Kind[str]:
    """A URL of a service that may have a password in it."""

    def parse(text: str) -> str:
        _check_host(_split(text, "http", "https").hostname or "")
        return text

    return Kind("be an http or https URL, such as http://collector:4318", parse, is_secret=True)


def _split(text: str, *schemes: str, needs_host: bool = True) -> SplitResult:
    parts = urlsplit(text)
    if "://" not in text or parts.scheme not in schemes or parts.port == 0 or (needs_host and not parts.hostname):
        raise ValueError
    return parts


def _split_origin(text: str) -> SplitResult:
    parts = _split(text, "http", "https")
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        raise ValueError
    return parts


def _check_host(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        # A name of digits only is an address that is not one.
        if not _NAME.fullmatch(text) or not re.search("[A-Za-z]", text):
            raise
