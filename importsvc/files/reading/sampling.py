"""Parts of a large text, from which columns are judged. Pure: no Django, no database."""

from __future__ import annotations

from typing import BinaryIO

from importsvc.files.reading.encodings import ENCODINGS, open_text
from importsvc.files.reading.tables import Source

# In characters and bytes.
HEAD = 256 * 1024
PART = 64 * 1024


def read_head(source: Source, encoding: str) -> tuple[str, bool]:
    """The beginning of the text, and whether there is more."""
    with open_text(source, encoding) as text:
        head = text.read(HEAD)
        return head, bool(text.read(1))


def read_parts(source: Source, encoding: str) -> tuple[str, str]:
    """A part from the middle of the text and its end, each from the start of a line. The first one may end in a row."""
    # Characters of UTF-16 and UTF-32 start at multiples of four bytes or of their mark's length.
    middle, end = (offset // 4 * 4 for offset in (source.size // 2, max(0, source.size - PART)))
    with source.open() as stream:
        return _read_part(stream, middle, encoding), _read_part(stream, end, encoding)


def _read_part(stream: BinaryIO, offset: int, encoding: str) -> str:
    stream.seek(offset)
    text = stream.read(PART + 4).decode(ENCODINGS[encoding], "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").partition("\n")[2]
