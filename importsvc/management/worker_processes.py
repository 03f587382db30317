"""Worker processes beside a process that starts them again when they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

from django.conf import settings

from importsvc.operations.stopping import GRACE_SECONDS

# Makes glibc return free memory to the system after a large import. By default each thread has its own heap, and glibc
# keeps large blocks for reuse. Some free memory is kept, because to get memory from the system for each part of a file
# is slow, above all on virtual machines.
MALLOC = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": str(2 << 20), "MALLOC_TRIM_THRESHOLD_": str(8 << 20)}

# The least seconds between two starts of the same process.
_RESTART_SECONDS = 1.0


class WorkerProcesses:
    """Processes of ``manage.py work``. They end by themselves when this process has ended."""

    def __init__(self, count: int, *, grace_seconds: int = GRACE_SECONDS) -> None:
        """Start them."""
        self._command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "work", "--parent", str(os.getpid())]
        self._command += ["--grace", str(grace_seconds)]
        self._stopping = threading.Event()
        self._started_at = [0.0] * count
        self._processes = [self._start(index) for index in range(count)]

    def restart_ended(self) -> None:
        """Start those again that have ended, each at most once a second."""
        for index, process in enumerate(self._processes):
            if self._stopping.is_set() or process.poll() is None:
                continue
            if time.monotonic() - self._started_at[index] >= _RESTART_SECONDS:
                self._processes[index] = self._start(index)
                if self._stopping.is_set():  # a signal came meanwhile
                    self._processes[index].send_signal(signal.SIGTERM)

    def replace(self) -> None:
        """Let each finish its operation within the grace and end; ``restart_ended`` starts it again, with new code."""
        for process in self._processes:
            process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Send a stop signal to each. A signal handler may call this: once, and again to end the grace."""
        self._stopping.set()
        for process in self._processes:
            process.send_signal(signal.SIGTERM)

    def wait(self) -> None:
        """Wait until all have ended after ``stop``."""
        for process in self._processes:
            process.wait()

    def run(self) -> None:
        """Start those again that end, until ``stop`` was called and all have ended."""
        while not self._stopping.is_set():
            self.restart_ended()
            time.sleep(_RESTART_SECONDS / 10)
        self.wait()

    def _start(self, index: int) -> subprocess.Popen[bytes]:
        self._started_at[index] = time.monotonic()
        # In its own process group: Ctrl-C in the terminal signals this process only, which passes it on.
        return subprocess.Popen(  # noqa: S603 - no shell
            self._command, process_group=0, env={**MALLOC, **os.environ}
        )
