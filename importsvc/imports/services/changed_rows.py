"""What corrections of rows of one type have changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from importsvc.imports.models import StagedChunk
from importsvc.imports.services.row_reading import StagedRow

# Above this number of rows, all rows are checked.
LARGEST_RECHECK = 1_000


class ChangedRows:
    """What corrections have changed, for ``recheck``.

    Attributes:
        rows: by number what they are now; ``None`` if they are deleted, or too many.
        values: the folded values that they had or have, by column.
        moved: those of them that they did not have before, or no longer have.
        keys: the folded value that each row has, by column and row; not of all rows if they are too many.
        unknown: the unknown columns that they no longer have.
    """

    def __init__(self) -> None:
        self.rows: dict[int, StagedRow | None] = {}
        self.values: dict[str, set[str]] = {}
        self.moved: dict[str, set[str]] = {}
        self.keys: dict[str, dict[int, str | None]] = {}
        self.unknown: set[str] = set()

    def add_rows(self, chunk: StagedChunk, rows: Sequence[int], values: Sequence[Any]) -> None:
        """Add rows of a chunk as they are now."""
        are_few = len(self.rows) + len(rows) <= LARGEST_RECHECK
        for row, value in zip(rows, values, strict=True):
            line = None if chunk.lines is None else chunk.lines[row - chunk.first_row]
            is_needed = are_few and row not in chunk.deleted_rows
            self.rows[row] = StagedRow(row, value, line, chunk.sheet) if is_needed else None

    def add_keys(
        self, rows: Sequence[int], before: Mapping[str, Sequence[Any]], after: Mapping[str, Sequence[Any]]
    ) -> None:
        """Add the keys of these rows before and after."""
        for column, values in after.items():
            if len(self.rows) <= LARGEST_RECHECK:
                self.keys.setdefault(column, {}).update(zip(rows, values, strict=True))
            for old, new in zip(before[column], values, strict=True):
                pair = {old, new} - {None}
                self.values.setdefault(column, set()).update(pair)
                if old != new:
                    self.moved.setdefault(column, set()).update(pair)
