"""Write conflicts: errors of PostgreSQL because another transaction wrote the same records."""

from __future__ import annotations

from django.db import DatabaseError

# The number of attempts of a transaction. Each reads what was committed before it.
ATTEMPTS = 3

# SQLSTATEs, from appendix A of PostgreSQL's manual.
_WRITE_CONFLICTS = {
    "23503",  # foreign_key_violation
    "23505",  # unique_violation
    "40P01",  # deadlock_detected
}


def is_write_conflict(error: DatabaseError) -> bool:
    """Whether another attempt may succeed, or end with a more precise error."""
    return getattr(error.__cause__, "pgcode", None) in _WRITE_CONFLICTS
