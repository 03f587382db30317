"""Every environment variable is checked at start, and what is not acceptable is refused with one sentence."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from importsvc.environment.variable import InvalidVariable, Rate
from importsvc.environment.variables import EXIT_CODE, VARIABLES

MALFORMED = ["1.5", "-1", "ten", "1e3", "٣"]
SWITCHES = ["maybe", "2", "tru", "yes please", "null"]
FOLDERS = ["/dev/null", "/dev/null/var", str(Path(__file__)), f"{__file__}/var", "x" * 5000]

RATES = [
    *("100", "abc", "100/", "100/fortnight", "10/month", "1.5/second", "0/second", "-1/second", "10 / second"),
    *("100/2d", "100/0s", "100/s/s", "1000000000/s", "none"),
]

# Values that are refused. A new variable needs a row here.
REFUSED: dict[str, list[str]] = {
    "HOST": ["http://127.0.0.1", "127.0.0.1:8000", "a b", "300.1.1.1", "-x.test"],
    "PORT": [*MALFORMED, "0", "65536"],
    "WEB_CONCURRENCY": [*MALFORMED, "0", "257"],
    "THREADS": [*MALFORMED, "0", "257"],
    "WORKERS": [*MALFORMED, "257"],
    "VAR_DIR": FOLDERS,
    "TMPDIR": FOLDERS,
    "DATABASE_URL": [
        "nonsense",
        "mysql://user:secret@host/name",
        "postgres://user:secret@host",
        "postgres://user:secret@host:70000/name",
        "postgres://user:secret@host:port/name",
        "postgres:name",
        "postgres://user:secret@host/name?no_such_option=1",
        "sqlite:///secret.db",
    ],
    "CONN_MAX_AGE": [*MALFORMED, "86401"],
    "LOCK_TIMEOUT_SECONDS": [*MALFORMED, "0", "3601"],
    "CLIENT_CHECK_SECONDS": [*MALFORMED, "3601"],
    "IDEMPOTENCY_KEY_HOURS": [*MALFORMED, "0", "99999999"],
    "WEBHOOK_DELIVERY_DAYS": [*MALFORMED, "0", "3651"],
    "OPERATION_DAYS": [*MALFORMED, "0", "9" * 5000],
    "UNRUN_IMPORT_DAYS": [*MALFORMED, "0", "9" * 5000],
    "IMPORT_FILE_DAYS": [*MALFORMED, "0", "9" * 5000],
    "RUN_IMPORT_DAYS": [*MALFORMED, "0", "9" * 5000],
    "CELERY_BROKER_URL": [
        "redis://user:secret@host/0",
        "amqp://",
        "host:5672",
        "amqp://user:secret@host:0/",
        "amqp://user:secret@host:x/",
        "amqp://user:secret@host/;redis://host",
    ],
    "CELERY_QUEUE": ["a b", "amq.queue", "q/x", "é", "q" * 201],
    "SECRET_KEY": ["secret", "x" * 60, "ab" * 30, "django-insecure-" + "Kj3x" * 20, "sEcReT0123456789" * 3],
    "DEBUG": SWITCHES,
    "ALLOWED_HOSTS": ["https://a.example.com", "a.example.com:443", "a b", "*.example.com", "a.test,b/c", ","],
    "CSRF_TRUSTED_ORIGINS": [
        "a.example.com",
        "https://",
        "ftp://a.test",
        "https://a.test/admin",
        "*",
        "https://u@a.test",
    ],
    "CORS_ALLOWED_ORIGINS": [
        "a.example.com",
        "null",
        "*",
        "https://*.a.test",
        "ftp://a.test",
        "https://a.test/",
        "https://u@a.test",
        "https://a.test?b",
        "https://a.test:0",
    ],
    "IMPORT_FRAME_ORIGINS": [
        "app.example.com",
        "null",
        "*",
        "'self'",
        "https:",
        "https://*.a.test",
        "https://a.test/",
        "javascript://a.test",
    ],
    "BEHIND_TLS_PROXY": SWITCHES,
    "TRUSTED_PROXIES": ["proxy", "10.0.0.5/8", "10.0.0", "10.0.0.5:80", "*", "10.0.0.5;10.0.0.6", "::1,x", ","],
    "HSTS_SECONDS": [*MALFORMED, "63072001"],
    "MAX_BODY_BYTES": [*MALFORMED, "0", "1023", "256MB"],
    "ASYNC_BODY_BYTES": [*MALFORMED, "0"],
    "API_RATE_LIMIT": RATES,
    "ORGANIZATION_RATE_LIMIT": RATES,
    "REDIS_URL": ["host:6379", "http://host", "redis://", "redis://:secret@host/x", "redis://:secret@host:x/0"],
    "STAFF_SECOND_FACTOR": ["on", "true", "2", "optional, required", "none"],
    "ALLOW_PRIVATE_WEBHOOKS": SWITCHES,
    "METRICS_PORT": [*MALFORMED, "0", "65536"],
    "SENTRY_DSN": ["host", "https://host/1", "https://secret@host", "https://secret@host/x", "ftp://secret@host/1"],
    "OTEL_EXPORTER_OTLP_ENDPOINT": ["collector:4318", "grpc://u:secret@host", "http://", "http://a b/", "http://h:x"],
    "LOG_FORMAT": ["xml", "JSON lines", "1", "text,json", "logfmt"],
    "LOG_LEVEL": ["loud", "10", "WARN!", "INFO,DEBUG", "TRACE"],
}

ACCEPTED: list[tuple[str, str, Any]] = [
    ("HOST", "::1", "::1"),
    ("HOST", "0.0.0.0", "0.0.0.0"),  # noqa: S104 - not bound
    ("HOST", "localhost", "localhost"),
    ("WORKERS", "0", 0),
    ("DEBUG", "Yes", True),
    ("DEBUG", "0", False),
    ("LOG_LEVEL", "debug", "DEBUG"),
    ("LOG_FORMAT", "JSON", "json"),
    ("ALLOWED_HOSTS", "a.test, .b.test,[::1],127.0.0.1,", ["a.test", ".b.test", "[::1]", "127.0.0.1"]),
    ("ALLOWED_HOSTS", "*", ["*"]),
    ("CSRF_TRUSTED_ORIGINS", "https://a.test:8443,http://*.b.test", ["https://a.test:8443", "http://*.b.test"]),
    ("CORS_ALLOWED_ORIGINS", "https://App.a.test:443,http://b:8080", ["https://app.a.test", "http://b:8080"]),
    ("CORS_ALLOWED_ORIGINS", "http://[::1]:3000, https://b:80", ["http://[::1]:3000", "https://b:80"]),
    ("IMPORT_FRAME_ORIGINS", "https://App.a.test:443,http://b:8080", ["https://app.a.test", "http://b:8080"]),
    ("TRUSTED_PROXIES", "10.0.0.5, 192.168.7.0/24,fd00::/8", ["10.0.0.5/32", "192.168.7.0/24", "fd00::/8"]),
    ("CELERY_BROKER_URL", "amqp://a:b@one:5672/v;amqps://two", "amqp://a:b@one:5672/v;amqps://two"),
    ("VAR_DIR", "new/folder", Path("new/folder")),
    ("API_RATE_LIMIT", "6000/minute", Rate(6000, 60)),
    ("API_RATE_LIMIT", "100/10s", Rate(100, 10)),
    ("API_RATE_LIMIT", "4000/30m", Rate(4000, 1800)),
    ("API_RATE_LIMIT", "1/24h", Rate(1, 86_400)),
    ("API_RATE_LIMIT", "off", None),
    ("REDIS_URL", "rediss://:x@host:6379/2", "rediss://:x@host:6379/2"),
]

SECRET = ("DATABASE_URL", "SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT", "REDIS_URL", "CELERY_BROKER_URL", "SECRET_KEY")


def test_every_variable_has_bad_values_here_and_a_line_in_the_readme() -> None:
    readme = (settings.BASE_DIR / "README.md").read_text()

    assert sorted(REFUSED) == sorted(VARIABLES)
    assert {name for name, values in REFUSED.items() if len(set(values)) < 5} == set()
    assert {name for name in VARIABLES if f"`{name}`" not in readme} == set()


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values])
def test_a_bad_value_is_refused_with_a_sentence_that_names_it(name: str, value: str) -> None:
    variable = VARIABLES[name]

    with pytest.raises(InvalidVariable) as refusal:
        variable.read({name: value})

    shown = value if len(value) <= 100 else f"{value[:100]}…"
    quoted = "" if name in SECRET else f", not {shown!r}"
    assert str(refusal.value) == f"{name} must {variable.kind.accepts}{quoted}."


@pytest.mark.parametrize(("name", "value", "expected"), ACCEPTED)
def test_what_is_accepted_is_read(name: str, value: str, expected: Any) -> None:
    assert VARIABLES[name].read({name: value}) == expected


@pytest.mark.parametrize("name", VARIABLES)
def test_an_empty_variable_counts_as_not_set(name: str) -> None:
    variable = VARIABLES[name]

    assert variable.read({name: ""}) == variable.read({name: " "}) == variable.read({}) == variable.default


def test_a_database_url_is_an_entry_of_djangos_databases() -> None:
    read: Any = VARIABLES["DATABASE_URL"].read({"DATABASE_URL": "postgres://ada:s%40y@db:5433/name?sslmode=require"})

    expected = {"ENGINE": "importsvc.postgres.citus", "NAME": "name", "USER": "ada", "PASSWORD": "s@y"}
    assert read == {**expected, "HOST": "db", "PORT": 5433, "OPTIONS": {"sslmode": "require"}}


def run(*command: str, **environment: str) -> tuple[int, list[str]]:
    """The exit code of a Python program, and the lines that it prints on standard error."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": "", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr.splitlines()


@pytest.mark.parametrize(
    "command",
    [
        ["manage.py", "serve"],
        ["manage.py", "work"],
        ["-m", "gunicorn", "importsvc.wsgi", "--bind", "127.0.0.1:0", "--workers", "2"],
        ["-m", "celery", "-A", "importsvc", "worker"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_no_process_starts_with_bad_values(command: list[str]) -> None:
    code, lines = run(*command, BEHIND_TLS_PROXY="maybe", WORKERS="-1")

    assert (code, lines) == (
        EXIT_CODE,
        [
            "WORKERS must be a whole number from 0 to 256, not '-1'.",
            "BEHIND_TLS_PROXY must be true or false, not 'maybe'.",
        ],
    )


def test_djangos_deployment_checks_find_nothing_in_the_documented_production_settings() -> None:
    code, lines = run(
        *("manage.py", "check", "--deploy"),
        DATABASE_URL="postgres://user:password@127.0.0.1:1/importsvc",
        SECRET_KEY=secrets.token_urlsafe(50),
        ALLOWED_HOSTS="imports.example.com,127.0.0.1",
        BEHIND_TLS_PROXY="true",
        CSRF_TRUSTED_ORIGINS="https://imports.example.com",
    )

    issues = {line.split("(")[1].split(")")[0] for line in lines if line.startswith("?: (")}
    assert (code, issues) == (0, set())


def test_unknown_variables_are_ignored() -> None:
    assert run("manage.py", "check", API_RATE="maybe", LOGLEVEL="x") == (0, [])
