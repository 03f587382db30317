"""What undoing an import would do now, read without a lock."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from importsvc.engine import registry
from importsvc.engine.conflicts import Conflict, count_records, find_conflicts, find_left, read_conflicts
from importsvc.engine.copying import array_literal
from importsvc.engine.entries import Entries
from importsvc.engine.foreign_keys import find_foreign_keys
from importsvc.engine.references import digest_references
from importsvc.engine.statements import Statement
from importsvc.engine.undo import count_entries
from importsvc.journal import CREATED, get_journal_model

TAG_LENGTH = 32


@dataclass(frozen=True)
class Undoing:
    """What would become of one journaled change.

    Attributes:
        change: the journal's entry.
        outcome: ``removed``, ``restored``, ``conflict`` or ``gone``.
        fields: the columns that would get their values back; none if the record would go, or is gone.
        conflicts: what stands in the way.
    """

    change: Any
    outcome: str
    fields: Sequence[str] = ()
    conflicts: Sequence[Conflict] = field(default_factory=list)


def count_outcomes(import_id: int) -> dict[str, dict[str, int]]:
    """By importable name, of how many records undoing would come to what. A record counts once.

    Raises:
        UnknownTypeError: the journal names a type that is not registered any more.
    """
    counts: dict[str, dict[str, int]] = {}
    for entries, journaled in count_entries(import_id).items():
        of_type = counts.setdefault(
            entries.importable.name, dict.fromkeys(("removed", "restored", "conflict", "gone"), 0)
        )
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) {entries.source_with_records('SELECT id')}", entries.parameters)
            left = int(cursor.fetchone()[0])
        conflicts = count_records(list(find_conflicts(entries, records=left)))
        of_type["removed" if entries.action == CREATED else "restored"] += left - conflicts
        of_type["conflict"] += conflicts
        of_type["gone"] += journaled - left
    return counts


def preview_changes(import_id: int, changes: QuerySet[Any]) -> list[Undoing]:
    """What would become of some of the import's entries of the journal, in their order."""
    page = list(changes)
    outcomes: dict[tuple[str, int], Undoing] = {}
    for record_type, action in dict.fromkeys((change.record_type, change.action) for change in page):
        some = [change for change in page if (change.record_type, change.action) == (record_type, action)]
        ids = tuple(change.record_id for change in some)
        entries = Entries(import_id, registry.get(record_type), action, ids)
        left = find_left(entries, ids)
        conflicts: dict[int, list[Conflict]] = {}
        for kind in find_conflicts(entries, records=len(left)):
            for conflict in read_conflicts(kind, entries.importable.model)[0]:
                conflicts.setdefault(conflict.record_id, []).append(conflict)
        for change in some:
            outcomes[record_type, change.record_id] = _judge(change, left, conflicts.get(change.record_id, []))
    return [outcomes[change.record_type, change.record_id] for change in page]


def make_undo_tag(import_id: int) -> str:
    """A tag, in hexadecimal digits, of everything that undoing the import depends on.

    Of every journaled record all that it has, but for what moves by itself, and of created ones what refers to them.

    Raises:
        UnknownTypeError: the journal names a type that is not registered any more.
    """
    digest = hashlib.sha256(str(import_id).encode())
    for entries in count_entries(import_id):
        digest.update(f"{entries.importable.name} {entries.action}".encode())
        volatile = [str(entries.importable.model._meta.get_field(name).column) for name in entries.importable.volatile]  # type: ignore[union-attr]
        state = "coalesce(sum(hashtextextended((to_jsonb(record) - %s::text[])::text, 0)::numeric), 0)::text"
        records = Statement(
            f"SELECT count(*), {state} {entries.source_with_records()}", [array_literal(volatile), *entries.parameters]
        )
        keys = find_foreign_keys(entries.importable.model) if entries.action == CREATED else ()
        for statement in (records, *(digest_references(entries, key) for key in keys)):
            with connection.cursor() as cursor:
                cursor.execute(statement.sql, statement.parameters)
                digest.update(str(cursor.fetchone()).encode())
    return digest.hexdigest()[:TAG_LENGTH]


def list_changes(import_id: int) -> QuerySet[Any]:
    """The import's entries of the journal, in its order."""
    return get_journal_model()._default_manager.filter(import_record=import_id).order_by("id")


def _judge(change: Any, left: set[int], conflicts: Sequence[Conflict]) -> Undoing:
    if change.record_id not in left:
        return Undoing(change, "gone")
    if change.action == CREATED:
        return Undoing(change, "conflict" if conflicts else "removed", conflicts=conflicts)
    disputed = {name for conflict in conflicts for name in conflict.fields}
    fields = [name for name in sorted(change.after) if name not in disputed]
    return Undoing(change, "conflict" if conflicts else "restored", fields, conflicts)
