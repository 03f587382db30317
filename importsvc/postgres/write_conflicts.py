"""Write conflicts: errors of PostgreSQL because another transaction wrote the same records."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError

from importsvc.postgres.copy import RefusedByNode

Result = TypeVar("Result")

# The number of attempts of a transaction. Each reads what was committed before it.
ATTEMPTS = 5

# The longest pause after the first deadlock; it doubles with each further one. With pauses of one length the
# transactions meet again.
FIRST_PAUSE_SECONDS = 0.05

# SQLSTATEs, from appendix A of PostgreSQL's manual.
_DEADLOCK = "40P01"
_WRITE_CONFLICTS = {
    "23001",  # restrict_violation, since PostgreSQL 18
    "23503",  # foreign_key_violation
    "23505",  # unique_violation
    _DEADLOCK,
}


class AnotherAttempt(DatabaseError):
    """Raised by a transaction in order to be tried again, which it will then do in another way."""


def is_write_conflict(error: BaseException) -> bool:
    """Whether another attempt may succeed, or end with a more precise error."""
    return _get_code(error) in _WRITE_CONFLICTS or isinstance(error, RefusedByNode | AnotherAttempt)


def retry(attempt: Callable[[], Result]) -> Result:
    """The result of the first attempt that does not end with a write conflict.

    ``attempt`` is a transaction, or a savepoint. After a deadlock the next one follows a random pause: up to 50 ms,
    then 100, 200 and 400. An attempt that was rolled back has no locks; those that its outer transaction took before it
    stay during the pauses.

    Raises:
        DatabaseError: of the last attempt, if it is a write conflict, otherwise of any.
    """
    for number in range(ATTEMPTS - 1):
        try:
            return attempt()
        except DatabaseError as error:
            if not is_write_conflict(error):
                raise
            is_deadlock = _get_code(error) == _DEADLOCK
        if is_deadlock:
            time.sleep(random.uniform(0, FIRST_PAUSE_SECONDS * 2**number))  # noqa: S311 - no secret
    return attempt()


def _get_code(error: BaseException) -> str | None:
    return getattr(error.__cause__, "pgcode", None)
