"""What operations do: declared by the app whose services do the work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from importsvc.operations.models import Operation

# Told how many rows more have been ``read``, ``checked`` or ``written``; it may raise to end the work.
Report = Callable[[str, int], None]


@dataclass(frozen=True)
class Performer:
    """The work of operations.

    Attributes:
        perform: does the work in the caller's transaction, and returns the id of the import. It may set the
            operation's ``result``. A ``DomainError`` is the operation's refusal.
        discard: deletes the rows that were queued for the work.
    """

    perform: Callable[[Operation, Report], int]
    discard: Callable[[Operation], None]


_performers: list[Performer] = []


def register(performer: Performer) -> None:
    """Declare the work of operations."""
    _performers[:] = [performer]


def get_performer() -> Performer:
    """What was declared."""
    (performer,) = _performers
    return performer
