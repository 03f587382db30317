"""The progress of services."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

# Called with a phase, ``read``, ``checked`` or ``written``, and the number of rows, or of changes that a revert undoes,
# that were added to it. The number is negative if an attempt was rolled back. It may raise to end the work.
Progress = Callable[[str, int], None]


class AttemptProgress:
    """Reports the progress of an attempt, and takes it back when the next attempt begins.

    An instance is a ``Progress``.
    """

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._reported: Counter[str] = Counter()

    def __call__(self, what: str, count: int) -> None:
        """Report so many more."""
        if self._progress and count:
            self._reported[what] += count
            self._progress(what, count)

    def start_again(self) -> None:
        """Begin an attempt: the previous one was rolled back."""
        for what, count in list(self._reported.items()):
            self(what, -count)
