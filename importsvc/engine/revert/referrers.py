"""What refers to records that an import created, and what records that it updated referred to before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import IntegerField

from importsvc.engine.revert.changes import Entries, Journaled, Query, journal_table
from importsvc.journal import CREATED, UPDATED
from importsvc.postgres.catalog import literal, quote
from importsvc.postgres.foreign_keys import ForeignKey, ReferredKey, find_referred_keys


def select_referenced(
    entries: Entries, key: ForeignKey, own: Journaled | None, *, records: int, discarding: bool
) -> Query:
    """Created records that something refers to by this key and will after the undoing (see ``Obstacle.query``).

    ``own`` are the import's entries of the type that the key is in. If the key's table has fewer rows than there are
    ``records``, it is gone through, instead of asking it about each of the records.
    """
    referrers = from_referrers(entries, key, is_small=key.rows < records)
    condition = _will_refer(key, own, discarding=discarding) if own else Query("true", [])
    sql = (
        "SELECT change.place, change.record_id, change.row, '{}'::text[] AS fields, '{}'::jsonb AS \"then\","
        f" '{{}}'::jsonb AS now, {_first_id(key)} AS first, count(*) AS referrers"
        f" {referrers.sql} WHERE {condition.sql} GROUP BY 1, 2, 3"
    )
    return Query(sql, [*referrers.parameters, *condition.parameters])


def from_referrers(entries: Entries, key: ForeignKey, *, is_small: bool) -> Query:
    """``FROM`` the entries as ``change`` with everything that refers to their records by a key as ``other``.

    If the key's table ``is_small``, it is gone through.
    """
    joined = " AND ".join(f"other.{quote(column)} = record.{quote(referred)}" for column, referred in key.columns)
    own_id = next(
        (column for column, referred in key.columns if referred == entries.importable.model._meta.pk.column), None
    )
    if not (is_small and own_id):
        source = entries.from_records()
        sql = f"{source.sql} CROSS JOIN LATERAL (SELECT * FROM {key.table} AS other WHERE {joined} OFFSET 0) AS other"
        return Query(sql, source.parameters)
    source = entries.select()
    sql = (
        f"FROM {key.table} AS other CROSS JOIN LATERAL"
        f" ({source.sql} AND entry.record_id = other.{quote(own_id)} OFFSET 0) AS change CROSS JOIN LATERAL"
        f" (SELECT FROM {entries.table} AS record WHERE record.id = change.record_id AND {joined} OFFSET 0) AS record"
    )
    return Query(sql, source.parameters)


def select_gone_references(entries: Entries) -> Iterator[Query]:
    """For each key whose columns the import updated: records of which what they referred to before is gone."""
    for key in find_referred_keys(entries.importable.model):
        restored = {column: entries.columns[column].type for column, _ in key.columns if column in entries.mentioned}
        if restored:
            yield _select_gone(entries, key, restored)


def _select_gone(entries: Entries, key: ReferredKey, restored: dict[str, str]) -> Query:
    values = {
        column: f"CASE WHEN change.before ? {literal(column)} THEN restored.{quote(column)}"
        f" ELSE record.{quote(column)} END"
        if column in restored
        else f"record.{quote(column)}"
        for column, _ in key.columns
    }
    matches = " AND ".join(f"referred.{quote(there)} = {values[column]}" for column, there in key.columns)
    given = " AND ".join(f"{value} IS NOT NULL" for value in values.values())
    records = entries.from_records()
    sql = (
        "SELECT change.place, change.record_id, change.row, lost.fields, lost.\"then\", '{}'::jsonb AS now,"
        f" NULL::bigint AS first, 0 AS referrers {records.sql}"
        " CROSS JOIN LATERAL jsonb_to_record(change.before) AS"
        f" restored({', '.join(f'{quote(column)} {type_}' for column, type_ in restored.items())})"
        " CROSS JOIN LATERAL ("
        '  SELECT array_agg(key ORDER BY key) AS fields, jsonb_object_agg(key, value) AS "then"'
        "  FROM jsonb_each(change.before) WHERE key = ANY(%s) OFFSET 0"
        ") AS lost"
        f" WHERE change.before ?| %s AND {given}"
        f" AND NOT EXISTS (SELECT FROM {key.table} AS referred WHERE {matches} OFFSET 0)"
    )
    return Query(sql, [*records.parameters, list(restored), list(restored)])


def _will_refer(key: ForeignKey, own: Journaled, *, discarding: bool) -> Query:
    """Whether an ``other`` goes on to refer: the import did not create it, nor will its undoing take the key away.

    The undoing does that if it restores any of the key's columns: of a record that the import updated, if the column
    has the value that the import gave it or edits are discarded, unless the journal says that the column is kept.
    """
    assert key.model  # noqa: S101 - or it has no importable
    expected = [f"own.action = '{CREATED}'"] if CREATED in own.entries else []
    if UPDATED in own.entries:
        restored = []
        for column, _ in key.columns:
            unedited = f" AND own.after -> {literal(column)} = to_jsonb(other.{quote(column)})"
            kept = f"{literal(column)} = ANY(coalesce(own.kept_fields, '{{}}'))"
            restored.append(f"own.after ? {literal(column)} AND NOT {kept}{'' if discarding else unedited}")
        expected.append(f"own.action = '{UPDATED}' AND ({' OR '.join(restored)})")
    entries = next(iter(own.entries.values()))
    parameters: list[Any] = [entries.import_id, own.importable.name]
    return Query(
        f"NOT EXISTS (SELECT FROM {journal_table()} AS own WHERE own.import_id = %s AND own.record_type = %s"
        f" AND own.record_id = other.{quote(str(key.model._meta.pk.column))} AND ({' OR '.join(expected)}) OFFSET 0)",
        parameters,
    )


def _first_id(key: ForeignKey) -> str:
    # Ids of other kinds have no order, and may be nobody's business.
    if key.model and isinstance(key.model._meta.pk, IntegerField):
        return f"min(other.{quote(str(key.model._meta.pk.column))})"
    return "NULL::bigint"
