"""Errors after which the database can be used again by itself: it was stopped, has no room left, or is migrated."""

from __future__ import annotations

import psycopg2
from django.db import DatabaseError, InterfaceError, OperationalError

# SQLSTATEs and their classes, from appendix A of PostgreSQL's manual.
_OUTAGES = (
    "08",  # connection exceptions
    "53",  # insufficient resources: disk, memory, connections
    "57P",  # the server was stopped, crashed, or does not accept connections yet
    "58",  # system errors, such as one of the disk
    "40P01",  # deadlocks and locks that are not available: of a read because of a migration; writes are tried again
    "55P03",
)


# How the coordinator of a cluster says, without an SQLSTATE of its own, that a node ended in the middle of a statement.
# Citus does not translate its messages.
_LOST_NODE = "failure on connection marked as essential"


def is_outage(error: BaseException) -> bool:
    """Whether the database cannot be used at this moment, through no fault of the statement or its transaction.

    A transaction that was being committed may have been.
    """
    cause = error.__cause__
    if isinstance(error, OperationalError) and isinstance(cause, OSError):
        return True  # the embedded server does not start
    if not isinstance(error, DatabaseError | InterfaceError) or not isinstance(cause, psycopg2.Error):
        return False
    if cause.pgcode:
        return cause.pgcode.startswith(_OUTAGES) or _LOST_NODE in str(cause)
    # Without a code it is no answer of the server: there is no connection, or it has ended.
    return isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError) or "libpq" in str(cause)


def describe_outage(error: BaseException) -> str:
    """The message of PostgreSQL or of its client library, in one line."""
    return " ".join(str(error).split())
