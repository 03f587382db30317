"""The journal back to nothing: what of an import stands in the way of its undoing, and the undoing, set-based.

The caller owns the transaction, has locked the import and the organization, and reads at READ COMMITTED: each
statement here sees what was committed before it began, and rows are locked before they are judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import IntegerField, Model

from importsvc.engine import registry
from importsvc.engine.copying import forget_plans, json_text
from importsvc.engine.foreign_keys import ForeignKey, find_foreign_keys
from importsvc.engine.importable import Importable, has_computed_default
from importsvc.journal import CREATED, get_journal_model, read_shared_values

REPORTED_CONFLICTS = 1_000

# From as many records on it pays to let PostgreSQL count a table before they are removed.
COUNTED_FROM = 1_000


class UnknownTypeError(LookupError):
    """The journal names a type that is not registered any more; the message is its name."""


@dataclass(frozen=True)
class Conflict:
    """Why a record that the import created cannot be removed: somebody changed it, or something refers to it.

    Attributes:
        model: of the record.
        record_id: its id.
        row: the row it came from.
        fields: the columns that somebody changed since, in alphabetical order; empty if it is about a reference.
        referenced_by: what refers to it, in words, and the id of the first of those, if that is a number.
    """

    model: type[Model]
    record_id: int
    row: int
    fields: tuple[str, ...] = ()
    referenced_by: tuple[str, int | None] | None = None


@dataclass(frozen=True)
class UndoReport:
    """What undoing an import does, by importable name, or the conflicts because of which it does nothing.

    Attributes:
        removed: how many records are removed. Those that are gone already do not count.
        conflicts: at most ``REPORTED_CONFLICTS``: those of changes, then those of references, type by type.
        conflict_count: how many there are in all.
    """

    removed: dict[str, int]
    conflicts: list[Conflict]
    conflict_count: int


def undo(*, import_id: int, dry_run: bool = False) -> UndoReport:
    """Remove every record that the import created, if nothing stands in the way of any of them.

    A record stands in the way when it was changed since, by whatever path, or when something that the import did not
    create refers to it. Then, and on a dry run, nothing is removed. Records that are gone already are no obstacle.

    Raises:
        UnknownTypeError: the journal names a type that is not registered any more.
        django.db.IntegrityError: the database knows better, because somebody wrote meanwhile. Nothing may be kept of
            the transaction.
    """
    forget_plans()
    importables = _journaled_types(import_id)
    removed = {importable.name: _lock_records(importable, import_id) for importable in importables}
    conflicts: list[Conflict] = []
    count = 0
    for importable in importables:
        for found, total in _find_conflicts(importable, import_id, removed[importable.name]):
            conflicts.extend(found[: REPORTED_CONFLICTS - len(conflicts)])
            count += total
    if not count and not dry_run:
        for importable in importables:
            if removed[importable.name] >= COUNTED_FROM:
                count_rows(importable.model)
        for importable in reversed(importables):
            _delete_records(importable, import_id)
    return UndoReport(removed, conflicts, count)


def _journaled_types(import_id: int) -> list[Importable]:
    """The types that the import wrote, those referred to first."""
    changes = get_journal_model()._default_manager.filter(import_record=import_id)
    names = set(changes.values_list("record_type", flat=True).distinct())
    importables = [importable for importable in registry.in_dependency_order() if importable.name in names]
    for name in sorted(names - {importable.name for importable in importables}):
        raise UnknownTypeError(name)
    return importables


def _created(alias: str) -> str:
    """Journal rows of the records of a type that an import created; parameters: the import's id, the type's name."""
    return f"{alias}.import_id = %s AND {alias}.record_type = %s AND {alias}.action = '{CREATED}'"


def _journal() -> str:
    return connection.ops.quote_name(get_journal_model()._meta.db_table)


def _from_records(importable: Importable, select: str = "SELECT *", locking: str = "") -> str:
    """``FROM`` the records of a type that an import created, with their journal rows; parameters as ``_created``.

    Here and below, LATERAL and OFFSET decide that the journal's rows are gone through and the records looked up. Of an
    import that was just run PostgreSQL has no statistics: it expects one row, and may compare each with each.
    """
    table = connection.ops.quote_name(importable.model._meta.db_table)
    return (
        f"FROM (SELECT * FROM {_journal()} AS change WHERE {_created('change')}) AS change CROSS JOIN LATERAL"
        f" ({select} FROM {table} AS record WHERE record.id = change.record_id OFFSET 0 {locking}) AS record"
    )


def _lock_records(importable: Importable, import_id: int) -> int:
    """Lock the records that are left against every change, and every new reference, and count them."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) {_from_records(importable, 'SELECT id', 'FOR UPDATE')}", [import_id, importable.name]
        )
        return int(cursor.fetchone()[0])


def _find_conflicts(importable: Importable, import_id: int, records: int) -> Iterator[tuple[list[Conflict], int]]:
    """The first conflicts of each kind, in row order, and how many there are of that kind."""
    yield _find_edited(importable, import_id)
    for key in find_foreign_keys(importable.model):
        yield _find_referenced(importable, import_id, key, is_small=key.rows is not None and key.rows < records)


def _find_edited(importable: Importable, import_id: int) -> tuple[list[Conflict], int]:
    """Records that are not as the import left them: as the journal says, and in all else as the model's defaults say.

    Both sides are values of the table's own types, so that 1.5 and 1.50, or two spellings of a date, are the same. So
    are the null of SQL and that of JSON. What neither the journal nor the model can tell is taken as it is.
    """
    defaults = {
        field.column: field.get_default()
        for field in (*importable.fields, *importable.other_fields)
        if not has_computed_default(field)
    }
    expected = json_text(defaults | read_shared_values(import_id).get(importable.name, {}))
    table = connection.ops.quote_name(importable.model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT record_id, row, array("
            "  SELECT key FROM jsonb_each(to_jsonb(expected)) WHERE value IS DISTINCT FROM to_jsonb(record) -> key"
            "  ORDER BY key"
            "), count(*) OVER () FROM ("
            "  SELECT record_id, row, record, jsonb_populate_record(record, %s::jsonb || after) AS expected FROM ("
            "    SELECT change.record_id, change.row, change.after"
            f"   {_from_records(importable)}"
            f"   CROSS JOIN jsonb_populate_record(NULL::{table}, %s) AS usual"
            f"   CROSS JOIN jsonb_to_record(change.after) AS given({_describe_columns(importable)})"
            f"   WHERE {_seems_edited(importable)} OFFSET 0"
            "  ) AS suspects CROSS JOIN LATERAL"
            f"  (SELECT stored FROM {table} AS stored WHERE stored.id = record_id OFFSET 0) AS found(record)"
            ") AS compared WHERE to_jsonb(record) IS DISTINCT FROM to_jsonb(expected)"
            f" ORDER BY row LIMIT {REPORTED_CONFLICTS}",
            [expected, import_id, importable.name, expected],
        )
        rows = cursor.fetchall()
    conflicts = [Conflict(importable.model, record_id, row, fields=tuple(names)) for record_id, row, names, _ in rows]
    return conflicts, rows[0][-1] if rows else 0


def _journaled_fields(importable: Importable) -> tuple[Any, ...]:
    """The fields that a journal's ``after`` may have; those that all records have alike only older entries do."""
    computed = filter(has_computed_default, importable.other_fields)
    return (*importable.fields, importable.organization_field, *computed)


def _describe_columns(importable: Importable) -> str:
    """The columns that a journal's ``after`` may have, with their types."""
    quote = connection.ops.quote_name
    fields = _journaled_fields(importable)
    return ", ".join(f"{quote(str(field.column))} {field.db_type(connection)}" for field in fields)


def _seems_edited(importable: Importable) -> str:
    """A condition that costs little and holds for every record that was edited, and for few others.

    Of a ``record`` it compares each column with what the row gave, or else what is usual, or else itself.
    """
    given = _journaled_fields(importable)
    alike = []
    for field in (importable.organization_field, *importable.fields, *importable.other_fields):
        column = connection.ops.quote_name(str(field.column))
        sources = [f"given.{column}"] if field in given else []
        sources.append(f"usual.{column}")
        if has_computed_default(field):
            sources.append(f"record.{column}")
        alike.append(f"record.{column} IS NOT DISTINCT FROM coalesce({', '.join(sources)})")
    return f"({' AND '.join(alike)}) IS NOT TRUE"


def _find_referenced(
    importable: Importable, import_id: int, key: ForeignKey, *, is_small: bool
) -> tuple[list[Conflict], int]:
    """Records that something which the import did not create refers to by this key.

    If the key's table ``is_small``, it is gone through, instead of asking it about each of the records.
    """
    quote = connection.ops.quote_name
    referrer, referrer_id, condition = key.table, "NULL::bigint", ""
    parameters: list[Any] = [import_id, importable.name]
    if key.model:
        referrer = str(key.model._meta.verbose_name_plural)
        primary_key = f"other.{quote(str(key.model._meta.pk.column))}"
        # Ids of other kinds have no order, and may be nobody's business.
        if isinstance(key.model._meta.pk, IntegerField):
            referrer_id = f"min({primary_key})"
        if own := registry.find_by_model(key.model):
            condition = (
                f"WHERE NOT EXISTS (SELECT FROM {_journal()} AS own"
                f" WHERE own.record_id = {primary_key} AND {_created('own')} OFFSET 0)"
            )
            parameters += [import_id, own.name]
    joined = " AND ".join(f"other.{quote(column)} = record.{quote(referred)}" for column, referred in key.columns)
    own_id = next((column for column, referred in key.columns if referred == importable.model._meta.pk.column), None)
    if is_small and own_id:
        table = quote(importable.model._meta.db_table)
        source = (
            f"FROM {key.table} AS other CROSS JOIN LATERAL (SELECT record_id, row FROM {_journal()} AS change"
            f" WHERE {_created('change')} AND change.record_id = other.{quote(own_id)} OFFSET 0) AS change"
            f" CROSS JOIN LATERAL"
            f" (SELECT FROM {table} AS record WHERE record.id = change.record_id AND {joined} OFFSET 0) AS record"
        )
    else:
        source = (
            f"{_from_records(importable)} CROSS JOIN LATERAL"
            f" (SELECT * FROM {key.table} AS other WHERE {joined} OFFSET 0) AS other"
        )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT change.record_id, change.row, {referrer_id}, count(*) OVER ()"
            f" {source} {condition}"
            f" GROUP BY change.record_id, change.row ORDER BY change.row LIMIT {REPORTED_CONFLICTS}",
            parameters,
        )
        rows = cursor.fetchall()
    conflicts = [
        Conflict(importable.model, record_id, row, referenced_by=(referrer, first)) for record_id, row, first, _ in rows
    ]
    return conflicts, rows[0][-1] if rows else 0


def count_rows(model: type[Model]) -> None:
    """Let PostgreSQL see how many records there are, and how many of what refers to them.

    Or it may check keys as if the tables were as empty as they were. Skipped while somebody else does it, or vacuums:
    nobody waits for anybody.
    """
    quote = connection.ops.quote_name
    columns: dict[str, set[str]] = {quote(model._meta.db_table): {quote(str(model._meta.pk.column))}}
    for key in find_foreign_keys(model):
        columns.setdefault(key.table, set()).update(quote(column) for column, _ in key.columns)
    with connection.cursor() as cursor:
        for table, counted in columns.items():
            cursor.execute(f"ANALYZE (SKIP_LOCKED) {table} ({', '.join(sorted(counted))})")


def _delete_records(importable: Importable, import_id: int) -> None:
    """Remove the records. They are locked, so they are where they are found: there is one way only to go there."""
    table = connection.ops.quote_name(importable.model._meta.db_table)
    places = f"SELECT record.ctid {_from_records(importable, 'SELECT ctid')}"
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE ctid = ANY(ARRAY({places}))", [import_id, importable.name])
