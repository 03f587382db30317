"""Finds references to records that an import created, and records that updated ones referred to before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from django.db.models import IntegerField

from importsvc.changelog.models import CREATED, KEPT, UPDATED
from importsvc.engine.revert.changes import Changes, Query, TypeChanges, change_table
from importsvc.postgres.catalog import literal, quote
from importsvc.postgres.foreign_keys import ForeignKey, ReferredKey, find_referred_keys


def select_referenced(
    changes: Changes, key: ForeignKey, own: TypeChanges | None, *, records: int, discarding: bool
) -> Query:
    """Created records that will be referred to by this key after the revert (see ``Obstacle.query``).

    ``own`` are the changes of the import to the type whose table has the key. If that table has fewer rows than there
    are ``records``, the statement scans it once instead of looking up each record.
    """
    referrers = from_referrers(changes, key, is_small=key.rows < records)
    condition = _will_refer(key, own, discarding=discarding) if own else Query("true", [])
    sql = (
        "SELECT change.place, change.record_id, change.row, '{}'::text[] AS fields, '{}'::jsonb AS \"then\","
        f" '{{}}'::jsonb AS now, {_first_id(key)} AS first"
        f" {referrers.sql} WHERE {condition.sql} GROUP BY 1, 2, 3"
    )
    return Query(sql, [*referrers.parameters, *condition.parameters])


def from_referrers(changes: Changes, key: ForeignKey, *, is_small: bool) -> Query:
    """``FROM`` the changes as ``change``, with the rows that refer to their records by a key as ``other``.

    If the key's table ``is_small``, the statement scans it once.
    """
    joined = " AND ".join(
        f"other.{quote(column)} = {_make_value(changes, f'record.{quote(referred)}', referred)}"
        for column, referred in key.columns
    )
    own_id = next(
        (column for column, referred in key.columns if referred == changes.importable.model._meta.pk.column), None
    )
    if not (is_small and own_id):
        source = changes.from_records()
        sql = f"{source.sql} CROSS JOIN LATERAL (SELECT * FROM {key.table} AS other WHERE {joined} OFFSET 0) AS other"
        return Query(sql, source.parameters)
    source = changes.select(of_record=f"other.{quote(own_id)}")
    # The key's table may have no organization, as that of tokens.
    of_organization = [column for column, referred in key.columns if referred == "organization_id"]
    restricted = "".join(f" WHERE other.{quote(column)} = %s" for column in of_organization)
    sql = (
        f"FROM (SELECT * FROM {key.table} AS other{restricted}) AS other CROSS JOIN LATERAL"
        f" (SELECT * FROM ({source.sql}) AS change OFFSET 0) AS change CROSS JOIN LATERAL"
        f" (SELECT FROM {changes.table} AS record WHERE {changes.of_organization('record')}"
        f"  AND record.id = change.record_id AND {joined} OFFSET 0) AS record"
    )
    return Query(sql, [*(changes.organization_id for _ in of_organization), *source.parameters])


def select_gone_references(changes: Changes) -> Iterator[Query]:
    """For each key whose columns the import updated: records whose former target no longer exists."""
    for key in find_referred_keys(changes.importable.model):
        restored = {column: changes.columns[column].type for column, _ in key.columns if column in changes.mentioned}
        if restored:
            yield _select_gone(changes, key, restored)


def _select_gone(changes: Changes, key: ReferredKey, restored: dict[str, str]) -> Query:
    values = {
        column: f"CASE WHEN change.before ? {literal(column)} THEN restored.{quote(column)}"
        f" ELSE record.{quote(column)} END"
        if column in restored
        else f"record.{quote(column)}"
        for column, _ in key.columns
    }
    matches = " AND ".join(
        f"referred.{quote(there)} = {_make_value(changes, values[column], there)}" for column, there in key.columns
    )
    given = " AND ".join(f"{value} IS NOT NULL" for value in values.values())
    records = changes.from_records(values=True)
    sql = (
        "SELECT change.place, change.record_id, change.row, lost.fields, lost.\"then\", '{}'::jsonb AS now,"
        f" NULL::bigint AS first {records.sql}"
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


def _make_value(changes: Changes, value: str, column: str) -> str:
    """The value of a column of a key: the organization's is known (see ``Changes.of_organization``)."""
    return str(int(changes.organization_id)) if column == "organization_id" else value


def _will_refer(key: ForeignKey, own: TypeChanges, *, discarding: bool) -> Query:
    """Whether an ``other`` still refers to the record after the revert.

    It does not if the import created it and it is not kept, or if the import updated it and the revert restores a
    column of the key. The revert restores a column that has the value of the import, or any value if edits are
    discarded, unless the change log has the column as kept.
    """
    assert key.model  # noqa: S101 - the key's table is that of an importable
    expected = []
    if CREATED in own.by_action:
        expected.append(f"own.action = '{CREATED}' AND own.outcome IS DISTINCT FROM '{KEPT}'")
    if UPDATED in own.by_action:
        restored = []
        for column, _ in key.columns:
            unedited = f" AND own.after -> {literal(column)} = to_jsonb(other.{quote(column)})"
            kept = f"{literal(column)} = ANY(coalesce(own.kept_fields, '{{}}'))"
            restored.append(f"own.after ? {literal(column)} AND NOT {kept}{'' if discarding else unedited}")
        expected.append(f"own.action = '{UPDATED}' AND ({' OR '.join(restored)})")
    changes = next(iter(own.by_action.values()))
    other_id = f"other.{quote(str(key.model._meta.pk.column))}"
    single = Query(
        f"NOT EXISTS (SELECT FROM {change_table()} AS own WHERE own.organization_id = %s AND own.import_id = %s"
        f" AND own.record_type = %s AND own.record_id = {other_id} AND ({' OR '.join(expected)}) OFFSET 0)",
        [changes.organization_id, changes.import_id, own.importable.name],
    )
    if CREATED not in own.by_action:
        return single
    ranges = _select_ranges(own.by_action[CREATED])
    return Query(
        f"{single.sql} AND ({other_id}::bigint <@ ({ranges.sql})) IS NOT TRUE",
        [*single.parameters, *ranges.parameters],
    )


def _select_ranges(created: Changes) -> Query:
    """The ids of all records whose changes are in chunks, as one multirange: a statement computes it once."""
    chunks = replace(created, record_ids=None, first=None, last=None).select_chunks()
    return Query(
        f"SELECT range_agg(int8range(part.first_id, part.last_id, '[]')) FROM ({chunks.sql}) AS chunk"
        " CROSS JOIN LATERAL ("
        "  SELECT first_id, last_id WHERE last_id - first_id < record_count"
        "  UNION ALL"
        "  SELECT id, id FROM unnest(record_ids) AS id WHERE last_id - first_id >= record_count"
        " ) AS part(first_id, last_id)",
        chunks.parameters,
    )


def _first_id(key: ForeignKey) -> str:
    # Other types of ids have no meaningful order, and may be secret.
    if key.model and isinstance(key.model._meta.pk, IntegerField):
        return f"min(other.{quote(str(key.model._meta.pk.column))})"
    return "NULL::bigint"
