"""Log lines as text and as JSON, and exceptions without the values that their messages quote."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import psycopg2
import pytest
from django.db import IntegrityError, connection

from importsvc.logs.context import add_log_fields, get_log_fields, log_context
from importsvc.logs.formatters import HasException, JsonFormatter, LineFormatter, describe_exception, describe_type


def make_record(message: str, *arguments: object, error: bool = False, **extra: Any) -> logging.LogRecord:
    """A record as a logger makes it; with ``error`` it has the exception that is being handled."""
    exc_info = sys.exc_info() if error else None
    return logging.getLogger("importsvc.test").makeRecord(
        "importsvc.test", logging.INFO, __file__, 1, message, arguments, exc_info, extra=extra
    )


def test_a_line_of_json_has_the_fields_of_the_context_and_its_own() -> None:
    record = make_record("Import %s was run", 7, fields={"import": 7, "duration_ms": 1.5})
    record.created = 1_764_115_200.1239

    with log_context(request_id="abc"):
        add_log_fields(organization=3)
        line = JsonFormatter().format(record)

    assert list(json.loads(line).items()) == [
        ("time", "2025-11-26T00:00:00.123+00:00"),
        ("level", "INFO"),
        ("logger", "importsvc.test"),
        ("message", "Import 7 was run"),
        ("request_id", "abc"),
        ("organization", 3),
        ("import", 7),
        ("duration_ms", 1.5),
    ]


def test_a_line_of_text_has_the_fields_at_its_end() -> None:
    record = make_record("Import %s was run", 7, fields={"import": 7})

    with log_context(request_id="abc"):
        line = LineFormatter().format(record)

    assert line.partition(" INFO ")[2] == "importsvc.test: Import 7 was run request_id=abc import=7"


def test_one_line_of_json_is_one_line_whatever_is_in_it() -> None:
    line = JsonFormatter().format(make_record('two\nlines, "é"', fields={"odd": object}))

    assert "\n" not in line
    assert json.loads(line)["message"] == 'two\nlines, "é"'


def test_fields_belong_to_their_context_only() -> None:
    add_log_fields(organization=1)
    with log_context(request_id="a"):
        with log_context(request_id="b"):
            add_log_fields(organization=2)
        assert get_log_fields() == {"request_id": "a"}
    assert get_log_fields() == {}


@pytest.mark.django_db
def test_an_exception_of_the_database_is_logged_without_the_values_that_it_quotes() -> None:
    insert, email = "INSERT INTO customers VALUES (%s)", "ada@acme.test"
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE customers (email text CONSTRAINT one_email UNIQUE)")
        cursor.execute(insert, [email])
        try:
            cursor.execute(insert, [email])
        except IntegrityError as error:
            quoted = str(error)
            text = LineFormatter().format(make_record("failed", error=True))
            line = json.loads(JsonFormatter().format(make_record("failed", error=True)))

    assert email in quoted
    assert "ada@" not in text
    assert "ada@" not in json.dumps(line)
    assert "psycopg2.errors.UniqueViolation: sqlstate 23505, table customers, constraint one_email\n" in text
    assert text.endswith("\ndjango.db.utils.IntegrityError")
    assert text.endswith(line["exception"])


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("invalid literal for int(): 'ada@acme.test'"), "ValueError"),
        (KeyError("ada@acme.test"), "KeyError"),
        (RuntimeError("ada@acme.test"), "RuntimeError"),
        (TypeError("f() takes 1 argument"), "TypeError: f() takes 1 argument"),
        (FileNotFoundError(2, "No such file"), "FileNotFoundError: [Errno 2] No such file"),
        (psycopg2.OperationalError("connection refused\n"), "psycopg2.OperationalError: connection refused"),
        (psycopg2.DataError("ada@acme.test"), "psycopg2.DataError"),
    ],
)
def test_a_message_that_may_quote_a_value_is_left_out(error: Exception, expected: str) -> None:
    assert describe_type(error) == expected


def test_an_exception_is_described_with_those_that_led_to_it() -> None:
    try:
        try:
            raise KeyError("secret")
        except KeyError as error:
            raise TypeError("of code") from error
    except TypeError as error:
        lines = describe_exception(error).splitlines()

    kinds = [line for line in lines if not line.startswith(" ")]
    begin = "Traceback (most recent call last):"
    assert kinds == [begin, "KeyError", "which led to:", begin, "TypeError: of code"]
    assert any("raise KeyError" in line for line in lines)


def test_records_without_an_exception_are_filtered_out() -> None:
    try:
        raise KeyError
    except KeyError:
        assert HasException().filter(make_record("x", error=True))
    assert not HasException().filter(make_record("x"))
