"""``StagedChunk.keys`` of a few rows, read and changed without the keys of the other rows of their chunk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import F, Func, TextField, Value

from importsvc.imports.models import StagedChunk
from importsvc.postgres.copy import array_literal

# Keys of more rows are read and written with all others of the chunk, which is faster then.
ROWS_ONE_BY_ONE = 8


class RowKeys:
    """The keys of rows of a chunk."""

    def __init__(self, chunk: StagedChunk, rows: Sequence[int]) -> None:
        """The keys are not read from ``chunk``, which the caller may have read without them."""
        self._chunk = chunk
        self._rows = rows
        self._whole: dict[str, list[Any]] | None = None
        if len(rows) > ROWS_ONE_BY_ONE:
            chunks = StagedChunk.objects.filter(
                organization_id=chunk.organization_id, import_record_id=chunk.import_record_id, number=chunk.number
            )
            self._whole = chunks.values_list("keys", flat=True).get()

    def read(self, columns: Sequence[str]) -> dict[str, list[Any]]:
        """The keys of these columns, those of each in the order of the rows."""
        if self._whole is not None:
            return {column: [self._whole[column][place] for place in self._list_places()] for column in columns}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT name, array_agg(keys -> name ->> place ORDER BY position) FROM imports_stagedchunk,"
                "  unnest(%s::text[]) AS name, unnest(%s::int[]) WITH ORDINALITY AS item(place, position)"
                " WHERE organization_id = %s AND import_id = %s AND number = %s GROUP BY name",
                [
                    *(list(columns), array_literal([str(place) for place in self._list_places()])),
                    *(self._chunk.organization_id, self._chunk.import_record_id, self._chunk.number),
                ],
            )
            return dict(cursor.fetchall())

    def change(self, old: Mapping[str, Sequence[Any]], new: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """The keys as a field to be updated; no field if none is another one, so that none is written."""
        changed = [
            (column, place, after)
            for column, values in new.items()
            for place, before, after in zip(self._list_places(), old[column], values, strict=True)
            if before != after
        ]
        if not changed:
            return {}
        if self._whole is not None:
            for column, place, after in changed:
                self._whole[column][place] = after
            return {"keys": self._whole}
        keys: F | Func = F("keys")
        for column, place, after in changed:
            path = Value([column, str(place)], output_field=ArrayField(TextField()))
            # Written as text: a null is one of JSON.
            keys = Func(keys, path, Value(json.dumps(after)), template="jsonb_set(%(expressions)s::jsonb)")
        return {"keys": keys}

    def _list_places(self) -> list[int]:
        return [row - self._chunk.first_row for row in self._rows]
