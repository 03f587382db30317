"""Bytes in a temporary file, written once and read any number of times."""

from __future__ import annotations

import errno
import io
import logging
import os
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from importsvc.errors import DiskFull

# Bytes that are held in memory; more are written to a file of TMPDIR.
IN_MEMORY = 1 << 20

logger = logging.getLogger(__name__)


@contextmanager
def refuse_full_disk() -> Iterator[None]:
    """Write to a temporary file in the block.

    Raises:
        DiskFull: there is no room for it.
    """
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        logger.error("There is no room for rows in %s", tempfile.gettempdir())
        raise DiskFull from error


class SpooledFile:
    """Bytes in memory or in a temporary file, which has no name and is deleted with this object.

    Attributes:
        name: of the file that these bytes are; messages have it.
        size: the number of bytes that have been written.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.size = 0
        self._memory = bytearray()
        self._file: Any = None

    def write(self, content: bytes) -> None:
        """Add bytes.

        Raises:
            DiskFull: there is no room for them.
        """
        self.size += len(content)
        if self._file is None and self.size <= IN_MEMORY:
            self._memory += content
            return
        with refuse_full_disk():
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed with this object
                weakref.finalize(self, self._file.close)
                self._write_all(bytes(self._memory))
                self._memory = bytearray()
            self._write_all(content)

    def open(self) -> BinaryIO:
        """A reader at the start of the bytes, independent of other readers."""
        if self._file is None:
            return io.BytesIO(bytes(self._memory))
        return io.BufferedReader(_Reader(self, self._file))

    def _write_all(self, content: bytes) -> None:
        left = memoryview(content)
        while left:
            left = left[self._file.write(left) :]


class _Reader(io.RawIOBase):
    """Reads the temporary file at a position of its own."""

    def __init__(self, owner: SpooledFile, file: Any) -> None:
        # Without its owner the file would be closed.
        self._owner = owner
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._owner.size}[whence]
        if start + offset < 0:
            raise ValueError(f"There is no position {start + offset}")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        content = os.pread(self._file.fileno(), len(buffer), self._position)
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)
