"""The reads a plan needs: what the organization already has of what the rows mention. One query for each question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from importsvc.engine.parse.rows import CleanRows
from importsvc.engine.schema import registry
from importsvc.engine.schema.importable import has_unique_constraint
from importsvc.postgres.copy import array_literal

ColumnKey = tuple[str, str]  # an importable's name and one of its columns


@dataclass(frozen=True)
class Lookups:
    """What the database said.

    Attributes:
        folded: for each value that is not plain ASCII, PostgreSQL's ``lower()`` of it.
        taken: by unique column, the ids of the records of the organization that have a folded value. Columns that are
            not here are not to be checked.
        found: by column referred to, the ids of the records that have a folded value.
    """

    folded: Mapping[str, str] = field(default_factory=dict)
    taken: Mapping[ColumnKey, Mapping[str, Sequence[int]]] = field(default_factory=dict)
    found: Mapping[ColumnKey, Mapping[str, list[int]]] = field(default_factory=dict)

    def fold(self, value: str) -> str:
        """The value as it is compared: by PostgreSQL's ``lower()``, the only law there is (docs/decisions/0002)."""
        return value.lower() if value.isascii() else self.folded[value]

    def fold_all(self, values: Sequence[Any]) -> list[Any]:
        """The values as they are compared; ``None`` stays ``None``."""
        if None not in values and "".join(values).isascii():
            return list(map(str.lower, values))
        return [None if value is None else self.fold(value) for value in values]


def read_lookups(
    organization_id: int,
    all_rows: Iterable[CleanRows],
    *,
    trust_constraints: bool = False,
    lock: bool = False,
    known: Lookups | None = None,
) -> Lookups:
    """Ask the database what these rows need to know of this organization's records.

    Args:
        organization_id: whose records.
        all_rows: all of a payload, or some of it.
        trust_constraints: whether nothing is asked about columns whose values a unique constraint keeps apart. Whoever
            writes the records is told by the database if two are the same, but not in which rows.
        lock: whether nobody can change the records that have a value of a unique column until the end of the
            transaction.
        known: what was read for other rows. What these refer to is in the answer, too, and is not asked again.
    """
    unique: dict[ColumnKey, set[str]] = {}
    referred: dict[ColumnKey, set[str]] = {}
    for rows in all_rows:
        for column in rows.importable.columns:
            if column.unique and not (trust_constraints and has_unique_constraint(rows.importable, column.name)):
                unique[rows.importable.name, column.name] = _mentioned(rows, column.name)
        for reference in rows.importable.references:
            referred.setdefault((reference.to, reference.by), set()).update(_mentioned(rows, reference.name))
    folded = _fold(set().union(*unique.values(), *referred.values()))
    lookups = Lookups(folded=folded)
    taken = {
        key: _find(organization_id, key, set(lookups.fold_all(list(values))), lock=lock)
        for key, values in unique.items()
    }
    found: dict[ColumnKey, Mapping[str, list[int]]] = dict(known.found if known else {})
    for key, values in referred.items():
        before = found.get(key, {})
        asked = set(lookups.fold_all(list(values))).difference(before)
        if asked or not before:
            found[key] = {**before, **_find(organization_id, key, asked)}
    return Lookups(folded=folded, taken=taken, found=found)


def _mentioned(rows: CleanRows, column: str) -> set[str]:
    values = set(rows.column(rows.importable.position(column)))
    values.discard(None)
    return values


def _fold(values: set[str]) -> dict[str, str]:
    foreign = [] if "".join(values).isascii() else [value for value in values if not value.isascii()]
    if not foreign:
        return {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT value, lower(value) FROM unnest(%s::text[]) AS value", [array_literal(foreign)])
        return dict(cursor.fetchall())


def _find(organization_id: int, key: ColumnKey, folded: set[str], *, lock: bool = False) -> dict[str, list[int]]:
    """The ids of the organization's records by the folded value they have in this column."""
    if not folded:
        return {}
    importable, column = registry.get(key[0]), key[1]
    quote = connection.ops.quote_name
    table, name = (
        quote(importable.model._meta.db_table),
        quote(str(importable.fields[importable.position(column)].column)),
    )
    found: dict[str, list[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT lower({name}), id FROM {table}"
            f" WHERE organization_id = %s AND lower({name}) = ANY(%s::text[]) ORDER BY id"
            f"{' FOR NO KEY UPDATE' if lock else ''}",
            [organization_id, array_literal(list(folded))],
        )
        for value, record_id in cursor.fetchall():
            found.setdefault(value, []).append(record_id)
    return found
