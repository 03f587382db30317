"""The changes of an import and their records, as parts of SQL statements.

Each statement names the organization for every tenant table, and joins from changes to records. PostgreSQL has no
statistics of an import that has just run and expects it to have one change: it may otherwise compare each change with
each record. LATERAL with OFFSET 0 fixes the join order; where a statement updates a table, the caller has called
``join_by_nested_loops``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count

from importsvc.changelog.models import CREATED, GONE, Change
from importsvc.engine.schema import registry
from importsvc.engine.schema.importable import Importable
from importsvc.postgres.catalog import TableColumn, read_columns


class UnknownTypeError(LookupError):
    """The change log names a type that is no longer registered; the message is its name."""


class Query(NamedTuple):
    """The SQL of a statement or of a part of one, and its parameters in order."""

    sql: str
    parameters: list[Any]


@dataclass(frozen=True)
class Changes:
    """The changes of an import with one action and one type of records.

    ``record_ids`` restricts them to these records, ``first`` and ``last`` to ids within these bounds, inclusive, and
    ``outcome`` to changes with this outcome.
    """

    importable: Importable
    organization_id: int
    import_id: int
    action: str
    record_ids: Sequence[int] | None = None
    first: int | None = None
    last: int | None = None
    outcome: str | None = None

    @property
    def table(self) -> str:
        """The table of the records, quoted."""
        return connection.ops.quote_name(self.importable.model._meta.db_table)

    def of_organization(self, alias: str) -> str:
        """The condition that a row belongs to the organization.

        A comparison with the organization of another table would not do: a distributed PostgreSQL sends a statement to
        one node if each table of it is restricted by a value.
        """
        return f"{alias}.organization_id = {int(self.organization_id)}"

    def select(self) -> Query:
        """``SELECT`` of all columns of the changes, and of the ctid of each as ``place``."""
        sql = (
            f"SELECT ctid AS place, change.* FROM {change_table()} AS change"
            " WHERE change.organization_id = %s AND change.import_id = %s AND change.record_type = %s"
            f" AND change.action = '{self.action}'"
        )
        parameters: list[Any] = [self.organization_id, self.import_id, self.importable.name]
        limits = {
            "record_id = ANY(%s)": self.record_ids,
            "record_id >= %s": self.first,
            "record_id <= %s": self.last,
            "outcome = %s": self.outcome,
        }
        for limit, value in limits.items():
            if value is not None:
                sql += f" AND change.{limit}"
                parameters.append(value)
        return Query(sql, parameters)

    def from_records(self, select: str = "SELECT *", locking: str = "") -> Query:
        """``FROM`` the changes as ``change``, each with the result of ``select`` on its record as ``record``."""
        changes = self.select()
        return Query(
            f"FROM ({changes.sql} OFFSET 0) AS change CROSS JOIN LATERAL ({select} FROM {self.table} AS record"
            f" WHERE {self.of_organization('record')} AND record.id = change.record_id OFFSET 0 {locking}) AS record",
            changes.parameters,
        )

    @cached_property
    def columns(self) -> dict[str, TableColumn]:
        """The columns of the table of the records."""
        return read_columns(self.importable.model)

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """The columns that occur in any of the changes, including columns that the table no longer has."""
        changes = self.select()
        values = "after" if self.action == CREATED else "before || after"
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT DISTINCT jsonb_object_keys({values}) FROM ({changes.sql}) AS change", changes.parameters
            )
            return frozenset(name for (name,) in cursor)


class TypeChanges(NamedTuple):
    """The changes of an import to records of one type, and their numbers; without actions that have no changes."""

    importable: Importable
    by_action: dict[str, Changes]
    counts: dict[str, int]


def read_type_changes(*, organization_id: int, import_id: int) -> list[TypeChanges]:
    """The changes of an import by type; a type comes after the types that it refers to.

    Raises:
        UnknownTypeError: a type is no longer registered.
    """
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    logged = Change.objects.of_import(organization_id=organization_id, import_id=import_id)
    groups = logged.values_list("record_type", "action").annotate(count=Count("*"))
    for name, action, count in groups.order_by("record_type", "action"):
        counts[name][action] = count
    importables = [importable for importable in registry.in_dependency_order() if importable.name in counts]
    for name in sorted(counts.keys() - {importable.name for importable in importables}):
        raise UnknownTypeError(name)
    return [
        TypeChanges(
            importable,
            {action: Changes(importable, organization_id, import_id, action) for action in counts[importable.name]},
            counts[importable.name],
        )
        for importable in importables
    ]


def lock_records(changes: Changes) -> int:
    """Lock the records that still exist, and return their number.

    The lock prevents writes to the records; for created records also new references to them.
    """
    # Updated records are not removed, so transactions that refer to them need not wait.
    return count_records(changes, locking="FOR UPDATE" if changes.action == CREATED else "FOR NO KEY UPDATE")


def count_records(changes: Changes, *, locking: str = "") -> int:
    """The number of records that still exist; ``locking`` is a clause that locks them."""
    records = changes.from_records("SELECT id", locking)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {records.sql}", records.parameters)
        return int(cursor.fetchone()[0])


def mark_gone(changes: Changes) -> None:
    """Write the outcome ``gone`` for records that no longer exist."""
    logged = changes.select()
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {change_table()} AS change SET outcome = '{GONE}' WHERE change.organization_id = %s"
            f" AND change.ctid = ANY(ARRAY(SELECT place FROM ({logged.sql} OFFSET 0) AS change WHERE NOT EXISTS ("
            f"  SELECT FROM {changes.table} AS record"
            f"   WHERE {changes.of_organization('record')} AND record.id = change.record_id OFFSET 0)))",
            [changes.organization_id, *logged.parameters],
        )


def join_by_nested_loops() -> None:
    """Switch off hash and merge joins until the transaction ends.

    A statement that updates rows by ctid then fetches only these rows. PostgreSQL may otherwise read all rows of the
    organization to find a few.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")


def change_table() -> str:
    """The table of the change log, quoted."""
    return connection.ops.quote_name(Change._meta.db_table)
