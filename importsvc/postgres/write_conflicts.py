"""Errors of PostgreSQL after which a transaction is worth another attempt: another one wrote the same records."""

from __future__ import annotations

from django.db import DatabaseError

# How often a transaction is begun at most. Each attempt reads what was committed before it.
ATTEMPTS = 3

# SQLSTATEs, from appendix A of PostgreSQL's manual.
_WRITE_CONFLICTS = {
    "23503",  # foreign_key_violation
    "23505",  # unique_violation
    "40P01",  # deadlock_detected
}


def is_write_conflict(error: DatabaseError) -> bool:
    """Whether the next attempt may succeed, or find a reason that it can put into words."""
    return getattr(error.__cause__, "pgcode", None) in _WRITE_CONFLICTS
