"""The reads of a plan: the existing records that the values of a chunk match or refer to. One query for each column."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any

from django.db import connection, transaction

from importsvc.engine.plan.plan import ColumnKey, Questions
from importsvc.engine.schema import registry
from importsvc.postgres.copy import array_literal


@dataclass(frozen=True)
class Lookups:
    """The results of the lookups for a chunk.

    Attributes:
        folded: for each value that is not ASCII, the result of PostgreSQL's ``lower()``.
        taken: by unique column and folded value, the ids of the organization's records that have the value; of trusted
            values none.
        found: by column referred to and folded value, likewise.
        case_sensitive: the columns among these whose values are compared as they are; their values are not folded.
    """

    folded: Mapping[str, str] = field(default_factory=dict)
    taken: Mapping[ColumnKey, Mapping[str, Sequence[int]]] = field(default_factory=dict)
    found: Mapping[ColumnKey, Mapping[str, Sequence[int]]] = field(default_factory=dict)
    case_sensitive: AbstractSet[ColumnKey] = frozenset()

    def fold(self, value: str) -> str:
        """The value in the form in which it is compared: PostgreSQL's ``lower()`` of it (docs/decisions/0002)."""
        return value.lower() if value.isascii() else self.folded[value]

    def fold_all(self, key: ColumnKey, values: Sequence[Any]) -> Sequence[Any]:
        """The values of a column in the form in which it compares them; ``None`` stays ``None``."""
        if key in self.case_sensitive:
            return values
        if None not in values and "".join(values).isascii():
            return list(map(str.lower, values))
        return [None if value is None else self.fold(value) for value in values]


def fold_texts(texts: Sequence[str]) -> list[str]:
    """The texts in the form in which values of unique columns are compared: see ``Lookups.fold``."""
    folded = _fold({text for text in texts if not text.isascii()})
    return [text.lower() if text.isascii() else folded[text] for text in texts]


def read_lookups(organization_id: int, questions: Questions, *, lock: bool = False) -> Lookups:
    """Look up the values of a chunk among the records of this organization.

    With ``lock``, the records that have a value of a unique column are locked until the transaction ends.
    """
    asked = [*questions.taken.items(), *questions.found.items(), *questions.trusted.items()]
    case_sensitive = {key for key, _ in asked if _is_case_sensitive(key)}
    folded = _fold(set().union(*(values for key, values in asked if key not in case_sensitive)))
    lookups = Lookups(folded=folded, case_sensitive=case_sensitive)

    def find(key: ColumnKey, values: Collection[str], *, lock: bool = False) -> dict[str, list[int]]:
        return _find(organization_id, key, set(lookups.fold_all(key, list(values))), lock=lock)

    is_asked = any((*questions.taken.values(), *questions.found.values()))
    with transaction.atomic(savepoint=False), _index_scans() if is_asked else nullcontext():
        return replace(
            lookups,
            taken={key: find(key, values, lock=lock) for key, values in questions.taken.items()}
            | {key: {} for key in questions.trusted},
            found={key: find(key, values) for key, values in questions.found.items()},
        )


def fold_values(columns: Sequence[tuple[ColumnKey, Sequence[Any]]]) -> list[list[Any]]:
    """Values, each list of them in the form in which a unique column compares them; ``None`` stays ``None``."""
    case_sensitive = {key for key, _ in columns if _is_case_sensitive(key)}
    folded = _fold(set().union(*(values for key, values in columns if key not in case_sensitive)) - {None})
    lookups = Lookups(folded=folded, case_sensitive=case_sensitive)
    return [list(lookups.fold_all(key, values)) for key, values in columns]


def _is_case_sensitive(key: ColumnKey) -> bool:
    return registry.get(key[0]).unique_columns[key[1]].case_sensitive


@contextmanager
def _index_scans() -> Iterator[None]:
    """Set ``enable_seqscan`` off until the transaction ends, and ``enable_sort`` until the end of the block.

    The pages of a table that a revert has emptied stay in its file, and in its indexes. By the number of the rows that
    are left, PostgreSQL may otherwise scan all these pages for each value. Without sorts, ``_find`` uses the index that
    has the order that it asks for.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        yield
        cursor.execute("SET LOCAL enable_sort = on")


def _fold(values: set[str]) -> dict[str, str]:
    foreign = [] if "".join(values).isascii() else [value for value in values if not value.isascii()]
    if not foreign:
        return {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT value, lower(value) FROM unnest(%s::text[]) AS value", [array_literal(foreign)])
        return dict(cursor.fetchall())


def _find(organization_id: int, key: ColumnKey, folded: Collection[str], *, lock: bool = False) -> dict[str, list[int]]:
    """The ids of the organization's records in ascending order, by their folded value of this column.

    LATERAL makes PostgreSQL look up each value by itself, and ORDER BY, without sorts, in the index of the column. It
    may otherwise read all records of the organization for each value: its statistics are those of before the import, by
    which the organization may have no record. With = in place of >= and <=, there would be no order to ask for.
    """
    if not folded:
        return {}
    importable, column = registry.get(key[0]), key[1]
    quote = connection.ops.quote_name
    table = quote(importable.model._meta.db_table)
    name = quote(str(importable.fields[importable.position(column)].column))
    compared = name if _is_case_sensitive(key) else f"lower({name})"
    found: dict[str, list[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT value, id FROM unnest(%s::text[]) AS mentioned(value) CROSS JOIN LATERAL"
            f" (SELECT id FROM {table} WHERE organization_id = %s AND {compared} >= value AND {compared} <= value"
            f" ORDER BY {compared} {'FOR NO KEY UPDATE' if lock else ''}) AS found",
            [array_literal(list(folded)), organization_id],
        )
        for value, record_id in sorted(cursor.fetchall(), key=itemgetter(1)):
            found.setdefault(value, []).append(record_id)
    return found
