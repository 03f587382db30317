"""A tag of all that a plan depends on: two plans of one tag do the same."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

from django.db import connection

from importsvc.engine.plan.lookups import Lookups
from importsvc.engine.schema.defaults import Defaults
from importsvc.engine.schema.importable import Importable
from importsvc.postgres.copy import array_literal, json_text

TAG_LENGTH = 32


def make_tag(
    text: str, settings: Collection[str], lookups: Lookups, defaults: Defaults, importables: Iterable[Importable]
) -> str:
    """The tag, in hexadecimal digits.

    Read before what the rows would change is read: what somebody writes in between then makes another tag.

    Args:
        text: the rows, as they are staged.
        settings: what else was said about the import.
        lookups: what the rows mention. The tag covers the state of all these records.
        defaults: of the organization.
        importables: all types.
    """
    digest = hashlib.sha256(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    for importable in importables:
        ids: set[int] = set()
        mentioned = []
        for kind, known in (("taken", lookups.taken), ("found", lookups.found)):
            for (name, column), records in sorted(known.items()):
                if name == importable.name:
                    mentioned.append([kind, column, sorted(records.items())])
                    ids.update(*records.values())
        blanks = defaults.blanks(importable)
        asked = [blanks[position] for position, column in enumerate(importable.columns) if column.default]
        state = read_state(importable, ids)
        digest.update(json_text([importable.name, mentioned, asked, state]).encode("utf-8", "surrogatepass"))
    digest.update(json_text(list(settings)).encode())
    return digest.hexdigest()[:TAG_LENGTH]


def read_state(importable: Importable, ids: Collection[int]) -> str:
    """A digest of everything these records have now, but for what moves by itself; other records are not read."""
    if not ids:
        return ""
    table = connection.ops.quote_name(importable.model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT md5(string_agg(md5((to_jsonb(record) - %s::text[])::text), '' ORDER BY asked.id))"
            " FROM unnest(%s::bigint[]) AS asked(id)"
            f" CROSS JOIN LATERAL (SELECT * FROM {table} AS stored WHERE stored.id = asked.id OFFSET 0) AS record",
            [sorted(importable.ignored_columns), array_literal([str(record_id) for record_id in sorted(ids)])],
        )
        (digest,) = cursor.fetchone()
    return digest or ""
