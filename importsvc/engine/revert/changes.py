"""The journal's entries of an import and the records that they are about, as parts of SQL statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from django.db import connection

from importsvc.engine.schema import registry
from importsvc.engine.schema.importable import Importable
from importsvc.journal import CREATED, GONE, get_journal_model
from importsvc.postgres.catalog import TableColumn, read_columns


class UnknownTypeError(LookupError):
    """The journal names a type that is not registered any more; the message is its name."""


class Query(NamedTuple):
    """A statement, or a part of one, and its parameters."""

    sql: str
    parameters: list[Any]


@dataclass(frozen=True)
class Entries:
    """The entries of an import about records of one type to which it did one thing.

    Attributes:
        importable: the type.
        import_id: the import.
        action: what it did, as the journal says.
        record_ids: of which records, if not of all.
        first, last: the first and the last id of those records, if they have any bounds.
    """

    importable: Importable
    import_id: int
    action: str
    record_ids: Sequence[int] | None = None
    first: int | None = None
    last: int | None = None

    @property
    def table(self) -> str:
        """The records' table, quoted."""
        return connection.ops.quote_name(self.importable.model._meta.db_table)

    def select(self) -> Query:
        """The entries, and as ``place`` where each of them is."""
        sql = (
            f"SELECT ctid AS place, entry.* FROM {journal_table()} AS entry"
            f" WHERE entry.import_id = %s AND entry.record_type = %s AND entry.action = '{self.action}'"
        )
        parameters: list[Any] = [self.import_id, self.importable.name]
        limits = {"= ANY(%s)": self.record_ids, ">= %s": self.first, "<= %s": self.last}
        for limit, value in limits.items():
            if value is not None:
                sql += f" AND entry.record_id {limit}"
                parameters.append(value)
        return Query(sql, parameters)

    def between(self, first: int | None, last: int | None) -> Entries:
        """Those of the entries that are about records with these ids and any in between."""
        return replace(self, first=first, last=last)

    def from_records(self, select: str = "SELECT *", locking: str = "", *, join: str = "CROSS JOIN") -> Query:
        """``FROM`` the entries as ``change``, each with what is selected of its record as ``record``.

        LATERAL and OFFSET decide that the journal's entries are gone through and the records looked up. Of an import
        that was just run PostgreSQL has no statistics: it expects one entry, and may compare each with each.
        """
        entries = self.select()
        on = "" if join == "CROSS JOIN" else "ON true"
        return Query(
            f"FROM ({entries.sql} OFFSET 0) AS change {join} LATERAL ({select} FROM {self.table} AS record"
            f" WHERE record.id = change.record_id OFFSET 0 {locking}) AS record {on}",
            entries.parameters,
        )

    @cached_property
    def columns(self) -> dict[str, TableColumn]:
        """The columns of the records' table."""
        return read_columns(self.importable.model)

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """The columns that any of the entries has among its values, whether the table has them or not."""
        entries = self.select()
        values = "after" if self.action == CREATED else "before || after"
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT DISTINCT jsonb_object_keys({values}) FROM ({entries.sql}) AS change", entries.parameters
            )
            return frozenset(name for (name,) in cursor)


class Journaled(NamedTuple):
    """A type that an import wrote: its entries by what the import did, and how many of each there are."""

    importable: Importable
    entries: dict[str, Entries]
    counts: dict[str, int]


def read_journaled(import_id: int) -> list[Journaled]:
    """The types that the import wrote, those referred to first.

    Raises:
        UnknownTypeError: one of them is not registered any more.
    """
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT record_type, action, count(*) FROM {journal_table()} WHERE import_id = %s"
            " GROUP BY 1, 2 ORDER BY 1, 2",
            [import_id],
        )
        for name, action, count in cursor:
            counts[name][action] = count
    importables = [importable for importable in registry.in_dependency_order() if importable.name in counts]
    for name in sorted(counts.keys() - {importable.name for importable in importables}):
        raise UnknownTypeError(name)
    return [
        Journaled(
            importable,
            {action: Entries(importable, import_id, action) for action in counts[importable.name]},
            counts[importable.name],
        )
        for importable in importables
    ]


def lock_records(entries: Entries) -> int:
    """Lock the records that are left against every change, and created ones against new references; count them."""
    # Nobody has to wait to refer to a record that stays.
    locking = "FOR UPDATE" if entries.action == CREATED else "FOR NO KEY UPDATE"
    records = entries.from_records("SELECT id", locking)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {records.sql}", records.parameters)
        return int(cursor.fetchone()[0])


def mark_gone(entries: Entries) -> None:
    """Note in the journal which records are not there any more."""
    records = entries.from_records("SELECT id", join="LEFT JOIN")
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {journal_table()} AS entry SET outcome = '{GONE}'"
            f" FROM (SELECT change.place {records.sql} WHERE record.id IS NULL OFFSET 0) AS missing"
            " WHERE entry.ctid = missing.place",
            records.parameters,
        )


def journal_table() -> str:
    """The journal's table, quoted."""
    return connection.ops.quote_name(get_journal_model()._meta.db_table)
