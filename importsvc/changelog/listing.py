"""The changes of an import in an order, read page by page: a slice unpacks only the chunks that it is in."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection
from functools import cached_property
from itertools import accumulate
from typing import Any, Literal

from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, Count, F, Func, IntegerField, Value

from importsvc.changelog.models import BLOCK_SIZE, CREATED, Change, ChangeQuerySet, CreatedChunk, SingleChange

_CHUNK_BOUNDS = {"id": ("block", "block"), "record_id": ("first_id", "last_id")}


class ChangeSequence:
    """Changes of an import, which can be counted and sliced.

    The order is divided before each chunk. So a part has a chunk and the single changes after its start, and the first
    part only single changes; the numbers of changes of the parts tell which ones a slice is in.
    """

    def __init__(
        self,
        *,
        organization_id: int,
        import_id: int,
        record_types: Collection[str] | None = None,
        actions: Collection[str] | None = None,
        order: Literal["id", "record_id"] = "id",
        is_reversed: bool = False,
    ) -> None:
        """List the changes of an import of the organization.

        Args:
            organization_id: that the import belongs to.
            import_id: the import.
            record_types: of the records; ``None`` for all. Only those of one type have an order by ``record_id``.
            actions: what the import did; ``None`` for all.
            order: ``id`` is the order in which they were written.
            is_reversed: whether the order is descending.
        """
        self._filters: dict[str, Any] = {"organization_id": organization_id, "import_record_id": import_id}
        if record_types is not None:
            self._filters["record_type__in"] = record_types
        self._action: dict[str, Any] = {} if actions is None else {"action__in": actions}
        self._order = order
        self._is_reversed = is_reversed

    def __len__(self) -> int:
        """The number of changes."""
        return self._ends[-1]

    def count(self) -> int:
        """The number of changes, as of a queryset."""
        return len(self)

    def __getitem__(self, part: slice) -> list[Change]:
        """The changes of a slice; read each time."""
        start, stop, _ = part.indices(len(self))
        if start >= stop:
            return []
        if self._is_reversed:
            return self._read(len(self) - stop, len(self) - start)[::-1]
        return self._read(start, stop)

    def _read(self, start: int, stop: int) -> list[Change]:
        first, last = bisect_right(self._ends, start), bisect_left(self._ends, stop)
        before = self._ends[first - 1] if first else 0
        count = self._ends[last] - before
        changes = self._read_parts(first, last)
        # Of single changes, which an index has in this order, the later pages are nearer to the end.
        if start - before > self._ends[last] - stop:
            changes = changes.order_by(f"-{self._order}")
            return list(changes[self._ends[last] - stop : count - (start - before)])[::-1]
        return list(changes.order_by(self._order)[start - before : stop - before])

    def _read_parts(self, first: int, last: int) -> ChangeQuerySet:
        """The changes of the parts from one to another."""
        smallest, largest = _CHUNK_BOUNDS[self._order]
        size = BLOCK_SIZE if self._order == "id" else 1
        changes = Change.objects.filter(**self._filters, **self._action)
        if first:
            start = self._starts[first - 1]
            changes = changes.filter(**{f"{self._order}__gte": start, f"{largest}__gte": start // size})
        if last < len(self._starts):
            end = self._starts[last] - 1
            changes = changes.filter(**{f"{self._order}__lte": end, f"{smallest}__lte": end // size})
        return changes if last else changes.filter(is_chunked=False)

    @cached_property
    def _chunks(self) -> list[tuple[int, int]]:
        """Where each chunk starts in the order, and the number of its changes."""
        if CREATED not in self._action.get("action__in", [CREATED]):
            return []
        start = F("block") * BLOCK_SIZE if self._order == "id" else F("first_id")
        chunks = CreatedChunk.objects.filter(**self._filters).annotate(start=start).order_by("start")
        return list(chunks.values_list("start", "record_count"))

    @cached_property
    def _starts(self) -> list[int]:
        return [start for start, _ in self._chunks]

    @cached_property
    def _ends(self) -> list[int]:
        """The number of changes up to the end of each part."""
        starts = Value(self._starts, output_field=ArrayField(BigIntegerField()))
        part = Func(F(self._order), starts, function="width_bucket", output_field=IntegerField())
        singles = SingleChange.objects.filter(**self._filters, **self._action)
        parts = singles.annotate(part=part if self._starts else Value(0)).values_list("part")
        counts = [0, *(count for _, count in self._chunks)]
        for number, count in parts.annotate(count=Count("*")).order_by():
            counts[number] += count
        return list(accumulate(counts))
