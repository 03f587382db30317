"""What processes hold in memory, as Linux tells it; on other systems everything is 0."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SAMPLING_SECONDS = 0.01


def is_available() -> bool:
    """Whether this system tells peaks and lets them be reset."""
    return Path("/proc/self/clear_refs").exists()


def reset_peak(process_id: int) -> None:
    """Let ``read_peak`` begin anew."""
    if is_available():
        Path(f"/proc/{process_id}/clear_refs").write_text("5")


def read_peak(process_id: int) -> int:
    """The most bytes that the process held since ``reset_peak``."""
    return _read(process_id, "VmHWM")


def read_current(process_id: int) -> int:
    """The bytes that the process holds."""
    return _read(process_id, "VmRSS")


class PrivatePeak:
    """The most bytes of their own that any of some processes was seen to hold, without what they share.

    PostgreSQL's processes share their buffers, and the resident set of each grows with every buffer it has touched:
    what one of them costs is the rest.
    """

    def __init__(self) -> None:
        self.bytes = 0

    def look(self, process_ids: list[int]) -> None:
        """Take the processes as they are now into account; a process that has ended does not matter."""
        for process_id in process_ids:
            try:
                self.bytes = max(self.bytes, _read(process_id, "RssAnon"))
            except (FileNotFoundError, ProcessLookupError, IndexError):
                continue


@contextmanager
def watch_private_peak(process_ids: list[int]) -> Iterator[PrivatePeak]:
    """Look at the processes every ``SAMPLING_SECONDS`` until the block ends."""
    peak, ended = PrivatePeak(), threading.Event()

    def watch() -> None:
        while not ended.is_set():
            peak.look(process_ids)
            time.sleep(SAMPLING_SECONDS)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def _read(process_id: int, name: str) -> int:
    if not is_available():
        return 0
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0]) * 1024
