"""What refers to records that an import created."""

from __future__ import annotations

from django.db import connection
from django.db.models import IntegerField

from importsvc.engine import registry
from importsvc.engine.entries import Entries, quoted_journal
from importsvc.engine.foreign_keys import ForeignKey
from importsvc.engine.importable import Importable
from importsvc.engine.statements import Statement
from importsvc.journal import CREATED, UPDATED

# The temporary table of what undoing leaves; see ``importsvc.engine.keeping``.
KEPT = "undo_kept"


def find_referenced(entries: Entries, key: ForeignKey, *, is_small: bool, kept: bool) -> Statement:
    """Created records that something which does not go with the import refers to by this key.

    What goes are the records that the import created, and references of records that it updated: undoing gives them
    back what they referred to before.

    Args:
        entries: of created records.
        key: to their table.
        is_small: whether the key's table is gone through, instead of asking it about each of the records.
        kept: whether what ``undo_kept`` holds does not go, either. Records that are in it are not found again.
    """
    quote = connection.ops.quote_name
    condition, first_id = "TRUE", "NULL::bigint"
    parameters = entries.parameters
    if key.model:
        primary_key = f"other.{quote(str(key.model._meta.pk.column))}"
        # Ids of other kinds have no order, and may be nobody's business.
        if isinstance(key.model._meta.pk, IntegerField):
            first_id = f"min({primary_key})"
        if own := registry.find_by_model(key.model):
            condition = f"NOT EXISTS ({_find_own(own, key, primary_key, kept=kept)})"
            parameters = [*parameters, entries.import_id, own.name]
    if kept:
        condition += (
            f" AND NOT EXISTS (SELECT FROM {KEPT} AS kept"
            " WHERE kept.record_type = change.record_type AND kept.record_id = change.record_id)"
        )
    return Statement(
        'SELECT change.record_id, change.row, \'{}\'::text[] AS fields, NULL::jsonb AS "then", NULL::jsonb AS "now",'
        f" {first_id} AS first_id {_join_referrers(entries, key, is_small=is_small)}"
        f" WHERE {condition} GROUP BY change.record_id, change.row",
        parameters,
    )


def _join_referrers(entries: Entries, key: ForeignKey, *, is_small: bool) -> str:
    """``FROM`` the entries, their records and, as ``other``, what refers to these; takes the entries' parameters."""
    quote = connection.ops.quote_name
    joined = " AND ".join(f"other.{quote(column)} = record.{quote(referred)}" for column, referred in key.columns)
    primary_key = entries.importable.model._meta.pk.column
    own_id = next((column for column, referred in key.columns if referred == primary_key), None)
    if is_small and own_id:
        return (
            f"FROM {key.table} AS other CROSS JOIN LATERAL (SELECT * FROM {quoted_journal()} AS change"
            f" WHERE {entries.condition('change')} AND change.record_id = other.{quote(own_id)} OFFSET 0) AS change"
            " CROSS JOIN LATERAL"
            f" (SELECT FROM {entries.table} AS record WHERE record.id = change.record_id AND {joined} OFFSET 0)"
            " AS record"
        )
    return (
        f"{entries.source_with_records()} CROSS JOIN LATERAL"
        f" (SELECT * FROM {key.table} AS other WHERE {joined} OFFSET 0) AS other"
    )


def _find_own(own: Importable, key: ForeignKey, primary_key: str, *, kept: bool) -> str:
    """The import's entry by which ``other`` goes, or goes back to what it referred to before.

    Takes the import's id and the name of the referring type.
    """
    quote = connection.ops.quote_name
    goes_back = " OR ".join(
        f"(own.after ? '{column}' AND own.after -> '{column}' = to_jsonb(other.{quote(column)})"
        f"{_unless_kept(f'''AND '{column}' = ANY(kept.fields)''') if kept else ''})"
        for column, _ in key.columns
    )
    goes = f"own.action = '{CREATED}'{_unless_kept() if kept else ''}"
    return (
        f"SELECT FROM {quoted_journal()} AS own WHERE own.import_id = %s AND own.record_type = %s"
        f" AND own.record_id = {primary_key} AND ({goes} OR own.action = '{UPDATED}' AND ({goes_back})) OFFSET 0"
    )


def _unless_kept(condition: str = "") -> str:
    return (
        f" AND NOT EXISTS (SELECT FROM {KEPT} AS kept WHERE kept.record_type = own.record_type"
        f" AND kept.record_id = own.record_id {condition})"
    )


def digest_references(entries: Entries, key: ForeignKey) -> Statement:
    """How many records of the entries are referred to by this key, and a digest of which ones by what."""
    identity = "other::text"
    if key.model:
        identity = f"other.{connection.ops.quote_name(str(key.model._meta.pk.column))}::text"
    digest = f"coalesce(sum(hashtextextended(change.record_id || ' ' || {identity}, 0)::numeric), 0)::text"
    return Statement(f"SELECT count(*), {digest} {_join_referrers(entries, key, is_small=False)}", entries.parameters)
