"""PostgreSQL's settings that let no transaction wait for a lock without end, or go on after its client has died."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.db import connection

_LOCK_NOT_AVAILABLE = "55P03"

# With the settings of TCP: a client whose machine has vanished is noticed after 25 seconds.
_LIMITS = """SET LOCAL lock_timeout = %s;
SET LOCAL client_connection_check_interval = %s;
SET LOCAL tcp_keepalives_idle = 10;
SET LOCAL tcp_keepalives_interval = 5;
SET LOCAL tcp_keepalives_count = 3"""

_patience: ContextVar[int | None] = ContextVar("patience", default=None)


@contextmanager
def wait_for_locks(seconds: int) -> Iterator[None]:
    """Let the transactions of the block wait this long for each lock, as a command may and a request may not."""
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


def may_wait() -> bool:
    """Whether the transactions may wait for work that takes long: the code runs in ``wait_for_locks``."""
    return _patience.get() is not None


def get_lock_timeout() -> int:
    """The number of seconds that a transaction waits for a lock at most."""
    return _patience.get() or settings.LOCK_TIMEOUT_SECONDS


def limit_transaction() -> None:
    """Set the limits until the transaction ends; poolers may then pass the connection on.

    After ``get_lock_timeout()`` seconds a statement that waits for a lock ends with an error that ``is_lock_timeout()``
    knows. A transaction whose client has died is rolled back within ``CLIENT_CHECK_SECONDS``, also in the middle of a
    long statement.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LIMITS, [get_lock_timeout() * 1000, settings.CLIENT_CHECK_SECONDS * 1000])


def is_lock_timeout(error: BaseException) -> bool:
    """Whether a lock was not available within the time that the statement may wait."""
    return getattr(error.__cause__, "pgcode", None) == _LOCK_NOT_AVAILABLE
