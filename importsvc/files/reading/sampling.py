"""Parts of a large text, from which columns are judged. Pure: no Django, no database."""

from __future__ import annotations

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


def read_parts(source: Source, encoding: str) -> list[str]:
    """A part from the middle of the text and one from its end, each from the start of a line."""
    parts = []
    with source.open() as stream:
        # Characters of UTF-16 and UTF-32 start at multiples of four bytes or of their mark's length.
        for offset in (source.size // 2 // 4 * 4, max(0, source.size - PART) // 4 * 4):
            stream.seek(offset)
            text = stream.read(PART).decode(ENCODINGS[encoding], "replace")
            _, _, whole = text.replace("\r\n", "\n").replace("\r", "\n").partition("\n")
            parts.append(whole)
    return parts
