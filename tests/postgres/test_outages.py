"""Which errors mean that the database cannot be used at this moment."""

from __future__ import annotations

import psycopg2
import pytest
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.utils import DataError

from importsvc.postgres.outages import describe_outage, is_outage
from tests.faults import PostgreSQLError


def caused_by(error: Exception, cause: Exception | None) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("code", ["08006", "40P01", "55P03", "53100", "53300", "57P01", "57P02", "57P03", "58030"])
def test_a_server_that_stops_has_no_room_or_is_migrated_is_an_outage(code: str) -> None:
    assert is_outage(caused_by(OperationalError(), PostgreSQLError(code)))


@pytest.mark.parametrize(
    "cause",
    [
        psycopg2.OperationalError("server closed the connection unexpectedly"),
        psycopg2.InterfaceError("connection already closed"),
        psycopg2.DatabaseError("error with status PGRES_TUPLES_OK and no message from the libpq"),
    ],
)
def test_a_lost_connection_is_an_outage(cause: Exception) -> None:
    assert is_outage(caused_by(InterfaceError(), cause))


@pytest.mark.parametrize("code", ["57014", "23505", "22P02", "42P01"])
def test_errors_of_statements_and_transactions_are_none(code: str) -> None:
    assert not is_outage(caused_by(OperationalError(), PostgreSQLError(code)))


@pytest.mark.parametrize(
    "error", [ValueError(), DatabaseError("no cause"), caused_by(DataError(), ValueError()), IntegrityError()]
)
def test_neither_are_errors_that_did_not_come_from_postgresql(error: Exception) -> None:
    assert not is_outage(error)


@pytest.mark.django_db
def test_a_connection_that_is_refused_is_an_outage_described_in_one_line() -> None:
    refused = DatabaseWrapper({**connection.settings_dict, "HOST": "127.0.0.1", "PORT": "1"})

    with pytest.raises(OperationalError) as caught:
        refused.ensure_connection()

    assert is_outage(caught.value)
    assert describe_outage(caught.value) == (
        'connection to server at "127.0.0.1", port 1 failed: Connection refused'
        " Is the server running on that host and accepting TCP/IP connections?"
    )
