"""Changes of an import, listed and searched for so that the page of a large import answers in time."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, F, Func, Q, Value

from importsvc.changelog.models import Change, ChangeQuerySet

# Ids are in row order, and the change log has an index that starts with them.
ROW_ORDER = ("record_type", "record_id", "id")
# So many changes are sorted for each page.
SORTED_CHANGES = 10_000
# The changes that one statement looks at.
PART_SIZE = 20_000
# After so long the search stops, and the page has a link that goes on with it.
SECONDS = 0.5
# So many changes are enough to look through.
FOUND_CHANGES = 1_000

_LARGEST = 2**63 - 1

# The condition on the changes of a part, by the first and the last id of the records in it.
Condition = Callable[[int, int], Q]


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes:
        ids: of the changes, type by type in row order.
        next: the id of the record after which a search goes on; ``None`` at the end.
    """

    ids: list[int]
    next: int | None


class ChangeList:
    """All changes of an import, type by type in row order, for a paginator.

    Of a large import a slice reads its changes by the index of ``change_record_once``: sorting all takes seconds.
    """

    def __init__(self, changes: ChangeQuerySet, counts: Mapping[str, int]) -> None:
        """``counts`` are the numbers of changes by type, without types of which there are none."""
        self._changes = changes
        self._counts = counts

    def __len__(self) -> int:
        """The number of changes."""
        return sum(self._counts.values())

    def __getitem__(self, part: slice) -> list[Change]:
        """The changes of a slice."""
        if len(self) <= SORTED_CHANGES:
            return list(self._changes.order_by(*ROW_ORDER)[part])
        start, stop, _ = part.indices(len(self))
        found: list[Change] = []
        for record_type, count in sorted(self._counts.items()):
            first, last = max(start, 0), min(stop, count)
            if first < last:
                found += self._read(record_type, first, last)
            start, stop = start - count, stop - count
        return found

    def _read(self, record_type: str, first: int, last: int) -> Iterable[Change]:
        of_type, count = self._changes.filter(record_type=record_type), self._counts[record_type]
        # The later pages are nearer to the end.
        is_late = first > count - last
        ids = of_type.order_by("-record_id" if is_late else "record_id").values_list("record_id", flat=True)
        near = ids[count - last : count - first] if is_late else ids[first:last]
        return of_type.filter(record_id__in=list(near)).order_by("record_id")


class FoundChanges:
    """Changes that were found, for a paginator. A slice reads its changes."""

    def __init__(self, found: Found, *, organization_id: int) -> None:
        """``organization_id`` is that of the changes."""
        self._ids = found.ids
        self._changes = Change.objects.filter(organization_id=organization_id)

    def __len__(self) -> int:
        """The number of changes."""
        return len(self._ids)

    def __getitem__(self, part: slice) -> list[Change]:
        """The changes of a slice."""
        ids = self._ids[part]
        found = self._changes.in_bulk(ids)
        return [found[pk] for pk in ids if pk in found]


class HasText(Func):
    """Whether a JSON object has a string that contains a text, regardless of case; also in an array."""

    output_field = BooleanField()

    def __init__(self, field: str, text: str) -> None:
        """``field`` is the name of the field with the object."""
        # The flags: regardless of case, and all characters stand for themselves.
        path = f'$.* ? (@ like_regex {json.dumps(text)} flag "iq")'
        pattern = re.sub(r"([%_])", r"\\\1", text)
        super().__init__(F(field), Value(path), Value(f"%{pattern}%"))
        # Most values do not contain it, which their text tells several times faster. JSON writes these as they are.
        self._is_plain = text.isascii() and text.isprintable() and not set(text) & set('"\\')

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """The condition."""
        expressions = self.get_source_expressions()
        (field, of_field), (path, of_path), (pattern, of_pattern) = map(compiler.compile, expressions)
        sql, parameters = f"jsonb_path_exists({field}, {path}::jsonpath)", [*of_field, *of_path]
        if not self._is_plain:
            return sql, parameters
        sql = f"CASE WHEN {field}::text ILIKE {pattern} THEN {sql} ELSE false END"
        return sql, [*of_field, *of_pattern, *parameters]


def search(changes: ChangeQuerySet, condition: Condition, *, count: int, after: int) -> Found:
    """The changes of an import that meet a condition, of records with a larger id than ``after``.

    ``count`` is the number of all changes. The search ends after ``SECONDS`` or with ``FOUND_CHANGES``, and then says
    where to go on.
    """
    began = time.monotonic()
    places: list[tuple[str, int, int]] = []
    while True:
        rest = changes.filter(record_id__gt=after)
        # By the index of change_record_once, as the part is.
        ids = rest.order_by("record_id").values_list("record_id", flat=True)
        end = next(iter(ids[PART_SIZE - 1 : PART_SIZE]), None) if count > PART_SIZE else None
        part = rest if end is None else rest.filter(record_id__lte=end)
        matching = part.filter(condition(after + 1, _LARGEST if end is None else end)).order_by("record_id")
        found = list(matching.values_list("record_type", "record_id", "pk")[: FOUND_CHANGES + 1])
        if len(found) > FOUND_CHANGES:
            # All changes of a record, or none.
            found = [each for each in found if each[1] != found[-1][1]]
            end = found[-1][1]
        places += found
        if end is None or len(places) >= FOUND_CHANGES or time.monotonic() - began > SECONDS:
            return Found([pk for *_, pk in sorted(places)], end)
        after = end
