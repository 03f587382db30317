"""Finds the headers that a mapping names among those of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from importsvc.engine.schema.importable import normalize_header


class HeaderIndex:
    """The positions of a file's headers."""

    def __init__(self, headers: Sequence[str]) -> None:
        self.headers = headers
        normalized = [normalize_header(header) for header in headers]
        counts = Counter(normalized)
        self._exact = {header: position for position, header in reversed(list(enumerate(headers)))}
        self._similar = {name: position for position, name in enumerate(normalized) if counts[name] == 1}

    def find(self, header: str) -> int | None:
        """The position, from 0: of the same header, or of the only one that differs in case, spaces, ``_`` and ``-``.

        ``None`` if there is no such header. Of headers that are equal, the first is found.
        """
        position = self._exact.get(header)
        return self._similar.get(normalize_header(header)) if position is None else position


def name_column(position: int) -> str:
    """The name of a column beyond the header, by its position from 0: ``Column 9`` for 8."""
    return f"Column {position + 1}"
