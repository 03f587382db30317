"""The changes of an import and their records, as parts of SQL statements.

Each statement names the organization for every tenant table, and joins from changes to records. PostgreSQL has no
statistics of an import that has just run and expects it to have one change: it may otherwise compare each change with
each record. LATERAL with OFFSET 0 fixes the join order; where a statement updates a table, the caller has called
``join_by_nested_loops``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django.db import connection

from importsvc.changelog.models import CREATED, CreatedChunk, SingleChange
from importsvc.changelog.selectors import count_changes
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

    def select(self, *, values: bool = False, of_record: str | None = None) -> Query:
        """``SELECT`` of the changes: place, record_id, row, outcome and kept_fields.

        ``place`` is the ctid of a single change, and null for those in chunks (see ``unpack_changes``).

        Args:
            values: whether ``before`` and ``after`` are selected too.
            of_record: SQL for the id of a record, to which the changes are restricted.
        """
        single = self._select_single(values=values, of_record=of_record)
        if self.action != CREATED or self.outcome is not None:
            return single
        chunked = self._select_chunked(values=values, of_record=of_record)
        return Query(f"{single.sql} UNION ALL {chunked.sql}", [*single.parameters, *chunked.parameters])

    def _select_single(self, *, values: bool, of_record: str | None) -> Query:
        sql = (
            f"SELECT ctid AS place, record_id, row, outcome, kept_fields{', before, after' if values else ''}"
            f" FROM {change_table()} AS change WHERE organization_id = %s AND import_id = %s AND record_type = %s"
            f" AND action = '{self.action}'{f' AND record_id = {of_record}' if of_record else ''}"
        )
        limits = {
            "record_id = ANY(%s)": self.record_ids,
            "record_id >= %s": self.first,
            "record_id <= %s": self.last,
            "outcome = %s": self.outcome,
        }
        return _restrict(Query(sql, self._key), limits)

    def _select_chunked(self, *, values: bool, of_record: str | None) -> Query:
        chunks, parameters = self.select_chunks(of_record=of_record)
        arrays = ["unnest(record_ids)", "unnest(rows)", *(["json_array_elements(after)"] if values else [])]
        sql = (
            "SELECT NULL::tid, change.record_id, change.row, NULL::varchar, NULL::varchar[]"
            f"{', NULL::jsonb, change.after::jsonb' if values else ''} FROM ({chunks}) AS chunk CROSS JOIN LATERAL"
            f" ROWS FROM ({', '.join(arrays)}) AS change(record_id, row{', after' if values else ''})"
            f" WHERE {f'change.record_id = {of_record}' if of_record else 'true'}"
        )
        limits = {
            "change.record_id = ANY(%s)": self.record_ids,
            "change.record_id >= %s": self.first,
            "change.record_id <= %s": self.last,
        }
        return _restrict(Query(sql, parameters), limits)

    def select_chunks(self, *, of_record: str | None = None) -> Query:
        """``SELECT`` of the chunks that have the changes."""
        ids = self.record_ids
        smallest = [self.first, None if ids is None else min(ids, default=0)]
        largest = [self.last, None if ids is None else max(ids, default=0)]
        sql = (
            f"SELECT * FROM {chunk_table()} AS chunk WHERE organization_id = %s AND import_id = %s AND record_type = %s"
            f"{f' AND last_id >= {of_record} AND first_id <= {of_record}' if of_record else ''}"
        )
        limits = {
            "last_id >= %s": max((bound for bound in smallest if bound is not None), default=None),
            "first_id <= %s": min((bound for bound in largest if bound is not None), default=None),
        }
        return _restrict(Query(sql, self._key), limits)

    @property
    def _key(self) -> list[Any]:
        return [self.organization_id, self.import_id, self.importable.name]

    def from_records(self, select: str = "SELECT *", locking: str = "", *, values: bool = False) -> Query:
        """``FROM`` the changes as ``change``, each with the result of ``select`` on its record as ``record``.

        ``values`` is as for ``select``.
        """
        changes = self.select(values=values)
        return Query(
            f"FROM (SELECT * FROM ({changes.sql}) AS change OFFSET 0) AS change"
            f" CROSS JOIN LATERAL ({select} FROM {self.table} AS record"
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
        changes = self._select_single(values=True, of_record=None)
        names = "after" if self.action == CREATED else "before || after"
        sql, parameters = (
            f"SELECT DISTINCT jsonb_object_keys({names}) FROM ({changes.sql}) AS change",
            changes.parameters,
        )
        if self.action == CREATED:
            chunks = self.select_chunks()
            sql += f" UNION SELECT unnest(columns) FROM ({chunks.sql}) AS chunk"
            parameters = [*parameters, *chunks.parameters]
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
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
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for name, action, count in count_changes(organization_id=organization_id, import_id=import_id):
        counts[name][action] += count
    importables = [importable for importable in registry.in_dependency_order() if importable.name in counts]
    for name in sorted(counts.keys() - {importable.name for importable in importables}):
        raise UnknownTypeError(name)
    return [
        TypeChanges(
            importable,
            {
                action: Changes(importable, organization_id, import_id, action)
                for action in sorted(counts[importable.name])
            },
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


def join_by_nested_loops() -> None:
    """Switch off hash and merge joins until the transaction ends.

    A statement that updates rows by ctid then fetches only these rows. PostgreSQL may otherwise read all rows of the
    organization to find a few.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")


def change_table() -> str:
    """The table of single changes, quoted."""
    return connection.ops.quote_name(SingleChange._meta.db_table)


def chunk_table() -> str:
    """The table of changes in chunks, quoted."""
    return connection.ops.quote_name(CreatedChunk._meta.db_table)


def _restrict(query: Query, limits: Mapping[str, Any]) -> Query:
    """The query with those of the conditions that have a value."""
    given = {limit: value for limit, value in limits.items() if value is not None}
    return Query("".join([query.sql, *(f" AND {limit}" for limit in given)]), [*query.parameters, *given.values()])
