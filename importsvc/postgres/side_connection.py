"""A second connection to the database, outside of the transaction that the first one has open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def open_side_connection() -> Iterator[BaseDatabaseWrapper]:
    """A connection in autocommit mode, which is closed at the end of the block."""
    side = connections[DEFAULT_DB_ALIAS].copy()
    try:
        yield side
    finally:
        side.close()
