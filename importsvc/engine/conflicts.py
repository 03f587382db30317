"""What stands in the way of undoing an import, record by record; each kind is found by one statement."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Model

from importsvc.engine.copying import array_literal
from importsvc.engine.edits import find_edited_created, find_edited_updated, find_missing_columns, find_missing_targets
from importsvc.engine.entries import Entries
from importsvc.engine.foreign_keys import find_foreign_keys
from importsvc.engine.references import find_referenced
from importsvc.engine.statements import Statement
from importsvc.journal import CREATED

REPORTED_CONFLICTS = 1_000


@dataclass(frozen=True)
class Conflict:
    """Why what an import did to a record cannot be undone.

    Attributes:
        model: of the record.
        record_id: its id.
        row: the row it came from.
        fields: the columns that this is about, in alphabetical order; empty if it is about a reference.
        referenced_by: what refers to it, in words, and the id of the first of those, if that is a number.
        missing: what is not there any more that undoing needs: ``reference`` if it is the record that a column
            referred to, ``column`` if it is the column itself.
        then, now: the values that the import left in ``fields``, and those that somebody wrote since.
    """

    model: type[Model]
    record_id: int
    row: int
    fields: tuple[str, ...] = ()
    referenced_by: tuple[str, int | None] | None = None
    missing: str | None = None
    then: Mapping[str, Any] | None = field(default=None, compare=False)
    now: Mapping[str, Any] | None = field(default=None, compare=False)

    @property
    def reason(self) -> str:
        """``changed``, ``referenced``, ``reference_missing`` or ``column_missing``."""
        if self.referenced_by is not None:
            return "referenced"
        return f"{self.missing}_missing" if self.missing else "changed"


class Kind(NamedTuple):
    """A kind of conflict.

    Attributes:
        statement: finds those of this kind; see ``Statement``.
        reason: as of ``Conflict``.
        referrer: what refers to the records, in words.
    """

    statement: Statement
    reason: str
    referrer: str = ""


def find_conflicts(entries: Entries, *, records: int) -> Iterator[Kind]:
    """All kinds of conflicts about the entries' records, of which there are so many."""
    yield from find_changes(entries)
    if entries.action == CREATED:
        yield from find_references(entries, records=records)


def find_changes(entries: Entries) -> Iterator[Kind]:
    """The kinds of conflicts about the values of records."""
    if entries.action == CREATED:
        yield Kind(find_edited_created(entries), "changed")
    else:
        if edited := find_edited_updated(entries):
            yield Kind(edited, "changed")
        if missing := find_missing_targets(entries):
            yield Kind(missing, "reference_missing")
    yield Kind(find_missing_columns(entries), "column_missing")


def find_references(entries: Entries, *, records: int, kept: bool = False) -> Iterator[Kind]:
    """The kinds of conflicts about references to records that the import created.

    Args:
        entries: of created records.
        records: how many records there are.
        kept: whether references from what ``undo_kept`` holds count as well (see ``importsvc.engine.keeping``).
    """
    for key in find_foreign_keys(entries.importable.model):
        is_small = key.rows is not None and key.rows < records
        referrer = str(key.model._meta.verbose_name_plural) if key.model else key.table
        yield Kind(find_referenced(entries, key, is_small=is_small, kept=kept), "referenced", referrer)


def read_conflicts(kind: Kind, model: type[Model]) -> tuple[list[Conflict], int]:
    """The first conflicts of a kind, in row order, at most ``REPORTED_CONFLICTS``, and how many there are."""
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT record_id, row, fields, "then", "now", first_id, count(*) OVER ()'
            f" FROM ({kind.statement.sql}) AS conflict ORDER BY row LIMIT {REPORTED_CONFLICTS}",
            kind.statement.parameters,
        )
        rows = cursor.fetchall()
    conflicts = [_make_conflict(kind, model, *row[:-1]) for row in rows]
    return conflicts, rows[0][-1] if rows else 0


def count_records(kinds: Sequence[Kind]) -> int:
    """How many records there are conflicts of these kinds about."""
    if not kinds:
        return 0
    found = " UNION ALL ".join(f"SELECT record_id FROM ({kind.statement.sql}) AS conflict" for kind in kinds)
    parameters = [parameter for kind in kinds for parameter in kind.statement.parameters]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(DISTINCT record_id) FROM ({found}) AS conflicts", parameters)
        return int(cursor.fetchone()[0])


def find_left(entries: Entries, record_ids: Sequence[int]) -> set[int]:
    """Those of the records that still exist."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {entries.table} WHERE id = ANY(%s::bigint[])",
            [array_literal([str(record_id) for record_id in record_ids])],
        )
        return {record_id for (record_id,) in cursor}


def _make_conflict(
    kind: Kind,
    model: type[Model],
    record_id: int,
    row: int,
    fields: Sequence[str],
    then: str | None,
    now: str | None,
    first: int | None,
) -> Conflict:
    if kind.reason == "referenced":
        return Conflict(model, record_id, row, referenced_by=(kind.referrer, first))
    missing = kind.reason.removesuffix("_missing") if kind.reason != "changed" else None
    values = [_read_values(text, fields) for text in (then, now)]
    return Conflict(model, record_id, row, tuple(fields), missing=missing, then=values[0], now=values[1])


def _read_values(text: str | None, fields: Sequence[str]) -> dict[str, Any] | None:
    if text is None:
        return None
    values = json.loads(text)
    return {name: values[name] for name in fields}
