"""The ZIP archive of a workbook: checked before anything else reads it. Pure: no Django, no database."""

from __future__ import annotations

import copy
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from importsvc.files.reading.tables import FileRefused

READ_SIZE = 256 * 1024

# The longest tag, in bytes.
_LONGEST_TAG = 1 << 20
_MOST_MEMBERS = 10_000

_ERROR = re.compile(rb"t=[\"']e[\"']")


@dataclass(frozen=True)
class WorkbookLimits:
    """What a workbook may need.

    Attributes:
        unpacked_bytes: the size of all its parts without compression.
        memory_bytes: the address space of the process that reads it.
        processor_seconds: the processor time of that process.
    """

    unpacked_bytes: int = 1 << 30
    memory_bytes: int = 2 << 30
    processor_seconds: int = 120


class Archive:
    """The parts of a workbook.

    Attributes:
        names: of all parts.
        with_errors: the names of those that seem to have cells of XLSX that are errors; known after ``check``.
    """

    def __init__(self, stream: BinaryIO, limits: WorkbookLimits) -> None:
        """Read the list of the parts, and check the sizes that it declares.

        Raises:
            FileRefused: the archive is damaged, encrypted, or too large without compression.
        """
        self._limits = limits
        try:
            self._zip = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            raise damaged() from None
        members = self._zip.infolist()
        if len(members) > _MOST_MEMBERS or sum(member.file_size for member in members) > limits.unpacked_bytes:
            raise self._too_large()
        if any(member.flag_bits & 0x1 for member in members):
            raise encrypted()
        self.names = {member.filename for member in members}
        self.with_errors: set[str] = set()

    def check(self) -> None:
        """Unpack every part of XML once, without keeping it.

        Raises:
            FileRefused: a part is damaged, has a document type definition, or is larger than declared and too large.
        """
        size = 0
        for name in sorted(self.names):
            if not is_xml(name):
                continue
            before = b""
            for part in self.read_parts(name):
                size += len(part)
                if size > self._limits.unpacked_bytes:
                    raise self._too_large()
                if b"<!DOCTYPE" in before + part:
                    detail = "The workbook has a document type definition, which no program for spreadsheets writes."
                    raise FileRefused("workbook_damaged", detail)
                if name not in self.with_errors and _ERROR.search(before + part):
                    self.with_errors.add(name)
                before = part[-16:]

    def read_parts(self, name: str) -> Iterator[bytes]:
        """The content of a part, about ``READ_SIZE`` bytes at a time.

        Raises:
            FileRefused: the part is damaged, or too large.
        """
        # The declared size would end the reading; what is there has to be counted.
        member = copy.copy(self._zip.getinfo(name))
        member.file_size = self._limits.unpacked_bytes + 1
        size = 0
        try:
            with self._zip.open(member) as content:
                while part := content.read(READ_SIZE):
                    size += len(part)
                    if size > self._limits.unpacked_bytes:
                        raise self._too_large()
                    yield part
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
            raise damaged() from None

    def _too_large(self) -> FileRefused:
        megabytes = self._limits.unpacked_bytes >> 20
        detail = f"The workbook is larger than {megabytes:,} MB without compression. Split it, or save it as .csv."
        return FileRefused("workbook_too_large", detail)


def is_xml(name: str) -> bool:
    """Whether a part is XML, by its name."""
    return name.endswith((".xml", ".rels"))


def find_tags(parts: Iterable[bytes], pattern: re.Pattern[bytes]) -> Iterator[re.Match[bytes]]:
    """All matches of a pattern that matches tags, in XML that comes part by part.

    Raises:
        FileRefused: a tag is too long.
    """
    rest = b""
    for part in parts:
        content = rest + part
        start = content.rfind(b"<")
        is_cut = start >= 0 and content.find(b">", start) < 0
        rest = content[start:] if is_cut else b""
        if len(rest) > _LONGEST_TAG:
            raise damaged()
        yield from pattern.finditer(content, 0, start if is_cut else len(content))


def damaged() -> FileRefused:
    """The refusal of a workbook that cannot be unpacked or read."""
    detail = "The workbook is damaged. Open it in a program for spreadsheets and save it again."
    return FileRefused("workbook_damaged", detail)


def encrypted() -> FileRefused:
    """The refusal of a workbook that needs a password."""
    detail = "The workbook is protected by a password. Remove the password and save it again."
    return FileRefused("workbook_encrypted", detail)
