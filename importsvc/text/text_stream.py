"""Text read from a stream, part by part."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from typing import Protocol

# Returns the next characters, about as many as asked for; an empty text at the end.
ReadText = Callable[[int], str]


class _ByteStream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def read_utf8(stream: _ByteStream, *, skip_mark: bool = False) -> ReadText:
    """Decode a stream of bytes. The returned function raises ``UnicodeDecodeError`` if they are not UTF-8.

    With ``skip_mark``, the text is returned without a leading byte order mark.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig" if skip_mark else "utf-8")()

    def read(size: int) -> str:
        text = ""
        while not text:
            content = stream.read(size)
            text = decoder.decode(content, final=not content)
            if not content:
                break
        return text

    return read


def read_parts(parts: Iterator[str]) -> ReadText:
    """Read the text that these parts make up."""
    return lambda _: next(filter(None, parts), "")
