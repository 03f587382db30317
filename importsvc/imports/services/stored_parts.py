"""Parts of long lists, stored as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")

# Characters of a value that are stored; pages show fewer.
LONGEST_VALUE = 1_000


@dataclass(frozen=True)
class Part(Generic[Item]):
    """A list of ``count`` items, of which those from index ``first`` on are known; a slice of others is empty."""

    count: int
    first: int
    known: Sequence[Item]

    def __len__(self) -> int:
        """The number of all items."""
        return self.count

    def __getitem__(self, part: slice) -> list[Item]:
        """The known items of a slice."""
        start, stop, _ = part.indices(self.count)
        return list(self.known[max(start - self.first, 0) : max(stop - self.first, 0)])


def shorten(value: Any) -> Any:
    """A value as JSON has it; a long one as the beginning of its text."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE]
