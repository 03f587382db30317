"""A request to stop, made by a signal, and the time that running work has after it."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from typing import Any

# The seconds for which a running operation may go on after a stop signal.
GRACE_SECONDS = 25

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# A service manager may signal a process and its parent, which passes the signal on: that is one request.
_SAME_SIGNAL_SECONDS = 1.0


class StopRequest:
    """Requested by the first stop signal; a second one, at least a second later, ends the grace.

    Attributes:
        is_requested: no further work is to begin.
    """

    def __init__(self, *, grace_seconds: float = GRACE_SECONDS) -> None:
        self.is_requested = False
        self._grace_seconds = grace_seconds
        self._requested_at = 0.0
        # A signal between a look at is_requested and a wait would otherwise be missed until the wait ends.
        self._signalled, self._signal = os.pipe()
        os.set_blocking(self._signal, False)

    def install(self) -> None:
        """Let the stop signals of this process make the request.

        A thread takes them: Python runs signal handlers in the main thread, which may wait for a statement.
        """
        arrived, arrive = os.pipe()
        os.set_blocking(arrive, False)
        signal.set_wakeup_fd(arrive)
        for signal_number in STOP_SIGNALS:
            signal.signal(signal_number, lambda *_: None)

        def take() -> None:
            while os.read(arrived, 1):
                self.request()

        threading.Thread(target=take, name="importsvc-signals", daemon=True).start()

    def request(self) -> None:
        """Make the request."""
        if not self.is_requested:
            self._requested_at = time.monotonic()
            self.is_requested = True
            os.write(self._signal, b".")
        elif time.monotonic() - self._requested_at >= _SAME_SIGNAL_SECONDS:
            self._grace_seconds = 0

    def is_over(self) -> bool:
        """Whether running work is to end."""
        return self.is_requested and time.monotonic() - self._requested_at >= self._grace_seconds

    def wait(self, seconds: float, *files: Any) -> None:
        """Wait until the request, until one of the files can be read, or so many seconds."""
        select.select([self._signalled, *files], [], [], seconds)
