"""Child processes that do not outlive their parent, however that ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def make_end_with_parent(signal_number: signal.Signals) -> Callable[[], None]:
    """A ``preexec_fn`` of ``subprocess``: the child gets this signal when the thread that starts it ends.

    On Linux only: other systems have no such thing, and the child goes on. Start the child in the main thread, and
    while no other thread holds a lock, as ``subprocess`` demands.
    """
    parent_id = os.getpid()
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def end_with_parent() -> None:
        if libc is None:
            return
        libc.prctl(_PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != parent_id:  # it has ended already
            os._exit(1)

    return end_with_parent
