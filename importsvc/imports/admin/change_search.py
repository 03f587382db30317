"""Changes of an import, listed and searched for so that the page of a large import answers in time."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, F, Func, Q, Value

from importsvc.changelog.listing import ChangeSequence
from importsvc.changelog.models import Change, ChangeQuerySet
from importsvc.changelog.selectors import find_end

# Ids are in row order, and the change log has an index that starts with them.
ROW_ORDER = ("record_type", "record_id", "id")
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
    """All changes of an import, type by type in row order, for a paginator."""

    def __init__(self, counts: Mapping[str, int], *, organization_id: int, import_id: int) -> None:
        """``counts`` are the numbers of changes by type, without types of which there are none."""
        self._key: dict[str, Any] = {"organization_id": organization_id, "import_id": import_id}
        self._counts = counts

    def __len__(self) -> int:
        """The number of changes."""
        return sum(self._counts.values())

    def __getitem__(self, part: slice) -> list[Change]:
        """The changes of a slice."""
        start, stop, _ = part.indices(len(self))
        found: list[Change] = []
        for record_type, count in sorted(self._counts.items()):
            first, last = max(start, 0), min(stop, count)
            if first < last:
                found += ChangeSequence(**self._key, record_types=[record_type], order="record_id")[first:last]
            start, stop = start - count, stop - count
        return found


class FoundChanges:
    """Changes that were found, for a paginator. A slice reads its changes."""

    def __init__(self, found: Found, changes: ChangeQuerySet) -> None:
        """``changes`` are those of the import."""
        self._ids = found.ids
        self._changes = changes

    def __len__(self) -> int:
        """The number of changes."""
        return len(self._ids)

    def __getitem__(self, part: slice) -> list[Change]:
        """The changes of a slice."""
        ids = self._ids[part]
        found = self._changes.with_ids(ids).in_bulk(ids)
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


def search(*, organization_id: int, import_id: int, condition: Condition, count: int, after: int) -> Found:
    """The changes of an import that meet a condition, of records with a larger id than ``after``.

    ``count`` is the number of all changes. The search ends after ``SECONDS`` or with ``FOUND_CHANGES``, and then says
    where to go on.
    """
    began = time.monotonic()
    key: dict[str, Any] = {"organization_id": organization_id, "import_id": import_id}
    changes = Change.objects.of_import(**key)
    places: list[tuple[str, int, int]] = []
    while True:
        end = find_end(**key, after=after, size=PART_SIZE) if count > PART_SIZE else None
        part = changes.filter(record_id__gt=after, last_id__gt=after)
        if end is not None:
            part = part.filter(record_id__lte=end, first_id__lte=end)
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
