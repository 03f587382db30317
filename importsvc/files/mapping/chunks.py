"""Collects rows into chunks, as the engine splits JSON into them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from importsvc.engine.parse.chunks import CHUNK_CHARACTERS, CHUNK_ROWS

_SURROGATE = re.compile("[\ud800-\udfff]")


class MappedChunk(NamedTuple):
    """Consecutive rows of one type, as ``RowChunk`` of the engine has them, and where they come from.

    Attributes:
        type_name: the name of the importable.
        first_row: the number of the first row, counted from 1 within the type and the file.
        row_count: the number of rows, at least 1.
        text: the rows as items of a JSON array, without its brackets. It can be encoded as UTF-8.
        lines: for each row the line of its table row; of a derived one the first that names it.
        sheet: of these lines.
    """

    type_name: str
    first_row: int
    row_count: int
    text: str
    lines: list[int]
    sheet: str | None


class ChunkBuffer:
    """Rows of one type and sheet that are no chunk yet.

    Attributes:
        row_count: the number of rows so far, those of earlier sheets included.
    """

    def __init__(self, type_name: str, sheet: str | None, *, row_count: int) -> None:
        self.row_count = row_count
        self._type_name = type_name
        self._sheet = sheet
        self._lines: list[int] = []
        self._texts: list[str] = []
        self._size = 0

    def add(self, lines: Sequence[int], texts: Sequence[str]) -> Iterator[MappedChunk]:
        """Add rows, at most ``CHUNK_ROWS``; the chunks that are full.

        A chunk has at most ``CHUNK_ROWS`` rows and ``CHUNK_CHARACTERS`` characters; a longer row is one by itself.
        """
        size = sum(map(len, texts)) + len(texts)
        if len(self._texts) + len(texts) > CHUNK_ROWS or self._size + size > CHUNK_CHARACTERS:
            yield from self.flush()
        if size > CHUNK_CHARACTERS and len(texts) > 1:
            for line, text in zip(lines, texts, strict=True):
                yield from self.add([line], [text])
            return
        self._lines += lines
        self._texts += texts
        self._size += size
        self.row_count += len(texts)

    def flush(self) -> Iterator[MappedChunk]:
        """The rest as a chunk, if there is one."""
        if not self._texts:
            return
        text = _escape_surrogates(",".join(self._texts))
        first_row = self.row_count - len(self._texts) + 1
        yield MappedChunk(self._type_name, first_row, len(self._texts), text, self._lines, self._sheet)
        self._lines, self._texts, self._size = [], [], 0


def _escape_surrogates(text: str) -> str:
    """JSON with escapes for what UTF-8 cannot encode, which JSON files may have."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return text
