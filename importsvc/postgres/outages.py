"""Errors after which the database can be used again without any change here: it was stopped, or has no room left."""

from __future__ import annotations

import psycopg2
from django.db import DatabaseError, InterfaceError

# SQLSTATEs and their classes, from appendix A of PostgreSQL's manual.
_OUTAGES = (
    "08",  # connection exceptions
    "53",  # insufficient resources: disk, memory, connections
    "57P",  # the server was stopped, crashed, or does not accept connections yet
    "58",  # system errors, such as one of the disk
)


def is_outage(error: BaseException) -> bool:
    """Whether the database cannot be used at this moment, through no fault of the statement or its transaction.

    A transaction that was being committed may have been.
    """
    cause = error.__cause__
    if not isinstance(error, DatabaseError | InterfaceError) or not isinstance(cause, psycopg2.Error):
        return False
    if cause.pgcode:
        return cause.pgcode.startswith(_OUTAGES)
    # Without a code it is no answer of the server: there is no connection, or it has ended.
    return isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError) or "libpq" in str(cause)


def describe_outage(error: BaseException) -> str:
    """The message of PostgreSQL or of its client library, in one line."""
    return " ".join(str(error).split())
