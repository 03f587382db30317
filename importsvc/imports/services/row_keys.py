"""``StagedChunk.keys`` of a few rows, read and changed without the keys of the other rows of their chunk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

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

    def change(self, old: Mapping[str, Sequence[Any]], new: Mapping[str, Sequence[Any]]) -> tuple[str, list[str]]:
        """The new keys as an expression and its parameters: the column itself, which is not written, if none changes.

        The expression is of the chunk's row in an UPDATE.
        """
        changed = [
            (column, place, after)
            for column, values in new.items()
            for place, before, after in zip(self._list_places(), old[column], values, strict=True)
            if before != after
        ]
        if changed and self._whole is not None:
            for column, place, after in changed:
                self._whole[column][place] = after
            return "%s", [json.dumps(self._whole)]
        keys, parameters = "keys", list[str]()
        for column, place, after in changed:
            keys = f"jsonb_set({keys}, %s::text[], %s)"
            parameters += [array_literal([column, str(place)]), json.dumps(after)]
        return keys, parameters

    def _list_places(self) -> list[int]:
        return [row - self._chunk.first_row for row in self._rows]
