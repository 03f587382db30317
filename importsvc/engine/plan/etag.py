"""The ETag of everything that a plan depends on: plans with the same ETag have the same result."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import connection

from importsvc.engine.parse.chunks import RowChunk
from importsvc.engine.plan.lookups import Lookups
from importsvc.engine.schema import registry
from importsvc.engine.schema.defaults import Defaults
from importsvc.engine.schema.importable import Importable
from importsvc.postgres.copy import array_literal, json_text

ETAG_LENGTH = 32


class PlanEtag:
    """Computes the ETag of a plan from its chunks, one after the other.

    The caller adds a chunk before it reads the diffs of its rows: if another transaction writes in between, the
    ETag is outdated, and not the diffs.
    """

    def __init__(self, organization_id: int) -> None:
        """``organization_id`` is that of the records."""
        self._organization_id = organization_id
        self._digest = hashlib.sha256()

    def add(self, chunk: RowChunk, lookups: Lookups) -> None:
        """Add a chunk, and the state of all records that the lookups found for it."""
        text = chunk.text.encode("utf-8", "surrogatepass")
        self._update([chunk.type_name, chunk.first_row, hashlib.sha256(text).hexdigest(), *chunk.deleted])
        ids: dict[str, set[int]] = {}
        for kind, known in (("taken", lookups.taken), ("found", lookups.found)):
            for (name, column), records in sorted(known.items()):
                self._update([kind, name, column, sorted(records.items())])
                ids.setdefault(name, set()).update(*records.values())
        for name in sorted(ids):
            self._update([name, read_state(registry.get(name), self._organization_id, ids[name])])

    def finish(self, settings: Mapping[str, Any], defaults: Defaults, importables: Iterable[Importable]) -> str:
        """The ETag, in hexadecimal digits, with the settings of the import and the defaults of the organization."""
        for importable in importables:
            blanks = defaults.blanks(importable)
            computed = [blanks[position] for position, column in enumerate(importable.columns) if column.default]
            self._update([importable.name, computed])
        self._update(settings)
        return self._digest.hexdigest()[:ETAG_LENGTH]

    def _update(self, part: Any) -> None:
        self._digest.update(json_text(part).encode("utf-8", "surrogatepass"))


def read_state(importable: Importable, organization_id: int, ids: Collection[int]) -> str:
    """A digest of the current values of these records, without their ignored fields."""
    if not ids:
        return ""
    table = connection.ops.quote_name(importable.model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT md5(string_agg(md5((to_jsonb(record) - %s::text[])::text), '' ORDER BY asked.id))"
            " FROM unnest(%s::bigint[]) AS asked(id) CROSS JOIN LATERAL"
            f" (SELECT * FROM {table} AS stored WHERE stored.organization_id = %s AND stored.id = asked.id OFFSET 0)"
            " AS record",
            [sorted(importable.ignored_columns), array_literal(list(map(str, sorted(ids)))), organization_id],
        )
        (digest,) = cursor.fetchone()
    return digest or ""
