"""Slots of a process: which requests that may take long it handles at once, so that short ones find a free thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings

from importsvc.errors import Unavailable

# A request is short up to this size of its body and of the staged rows that it is about: some 3,000 rows, which take
# less than a tenth of a second.
SHORT_BYTES = 256 * 1024

# A short request waits for a slot while the holders of slots change: until the latest of them is this old.
STUCK_AFTER_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 1.0

BUSY = "The service is busy with other imports, reverts and large requests"


@dataclass(frozen=True, eq=False)
class _Holder:
    """A request that has a slot.

    Attributes:
        owner: an organization, or another party that shares the service with others.
        is_long: whether the request takes seconds or minutes, and not some milliseconds.
        since: when it got the slot, by the monotonic clock.
    """

    owner: Hashable
    is_long: bool
    since: float


class Slots:
    """The slots of a process with a number of threads.

    All requests with slots have all threads but one, those of one owner a half. Long requests have a half of the
    threads, those of one owner a half of these. Halves are at least one. Of four threads two may do long requests, for
    different owners. A process with one thread has no limits.
    """

    def __init__(self, threads: int) -> None:
        self.are_limited = threads > 1
        self._of_all = threads - 1
        self._of_owner = max(1, threads // 2)
        self._long_of_all = max(1, threads // 2)
        self._long_of_owner = (self._long_of_all + 1) // 2
        self._holders: list[_Holder] = []
        self._changed = threading.Condition()

    @contextmanager
    def take(self, owner: Hashable, *, is_long: bool) -> Iterator[None]:
        """Hold a slot during the block.

        A long request gets it at once or never. A short one may wait for up to a second, but not for requests that are
        stuck: the longer all of them have had their slots, the longer this one would wait.

        Raises:
            Unavailable: there is no slot.
        """
        holder = self._enter(owner, is_long)
        try:
            yield
        finally:
            if holder:
                with self._changed:
                    self._holders.remove(holder)
                    self._changed.notify_all()

    def _enter(self, owner: Hashable, is_long: bool) -> _Holder | None:
        if not self.are_limited:
            return None
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        with self._changed:
            while in_the_way := self._find_in_the_way(owner, is_long):
                stuck_at = max(holder.since for holder in in_the_way) + STUCK_AFTER_SECONDS
                left = min(deadline, stuck_at) - time.monotonic()
                if is_long or left <= 0:
                    raise Unavailable(BUSY)
                self._changed.wait(left)
            holder = _Holder(owner, is_long, time.monotonic())
            self._holders.append(holder)
        return holder

    def _find_in_the_way(self, owner: Hashable, is_long: bool) -> list[_Holder]:
        own = [holder for holder in self._holders if holder.owner == owner]
        limits = [(self._of_all, self._holders), (self._of_owner, own)]
        if is_long:
            for limit, holders in ((self._long_of_all, self._holders), (self._long_of_owner, own)):
                limits.append((limit, [holder for holder in holders if holder.is_long]))
        return [holder for limit, holders in limits if len(holders) >= limit for holder in holders]


SLOTS = Slots(settings.THREADS)
