"""Plans a clean chunk with its lookups: what becomes of each row, or all row errors. Pure: no Django, no database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from importsvc.engine.errors import RowError
from importsvc.engine.parse.rows import CleanChunk
from importsvc.engine.plan.row_checks import References, RowRef, UniqueColumn
from importsvc.engine.schema.importable import Importable

if TYPE_CHECKING:
    from importsvc.engine.plan.lookups import Lookups

__all__ = ["ColumnBatch", "GivenValues", "OnDuplicate", "PlannedChunk", "Questions", "RowRef", "TypePlanner"]

# What becomes of a row whose match key an existing record of the organization has.
OnDuplicate = Literal["error", "skip", "update"]

ColumnKey = tuple[str, str]  # an importable's name and one of its columns


class ColumnBatch(NamedTuple):
    """Records to create, by column.

    Attributes:
        rows: the numbers of their rows, in order.
        columns: for each column and reference of the type the value of each record. ``None`` means the default; the
            value of a reference is the id of a record, or a ``RowRef``.
    """

    rows: Sequence[int]
    columns: Sequence[Sequence[Any]]


class GivenValues(NamedTuple):
    """The values that a row gives for an existing record.

    Attributes:
        row: the number of the row.
        record_id: of the record.
        values: by position among the type's columns and references: a clean value, the id of a record or a ``RowRef``,
            or ``None`` for an explicit null.
    """

    row: int
    record_id: int
    values: Mapping[int, Any]


@dataclass(frozen=True)
class Questions:
    """The values of a chunk that are to be looked up among the organization's records.

    Attributes:
        taken: by unique column, the values of the chunk.
        found: by column referred to, the names in the chunk that were not looked up before.
        trusted: by unique column, values that are only folded, to find them again: its constraint refuses those that
            are taken.
    """

    taken: Mapping[ColumnKey, Collection[str]] = field(default_factory=dict)
    found: Mapping[ColumnKey, Collection[str]] = field(default_factory=dict)
    trusted: Mapping[ColumnKey, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedChunk:
    """What becomes of the rows of a chunk.

    Attributes:
        importable: the type.
        row_count: the number of rows.
        created: the records to create; meaningless if there are errors, unless rows with errors are refused alone.
        given: the values for existing records; empty if these are to be skipped. As for ``created``.
        skipped: the number of rows that match existing records and are skipped.
        refused: the number of rows that are left out because of their errors.
        without_key: the numbers of the rows that match nothing because they have no value of the match key; each
            submission of such a row creates a record. Empty unless rows may match records.
        errors: the errors in row order; those of a row in the order of the declared columns, unknown columns first.
        uncounted: the number of further errors.
    """

    importable: Importable
    row_count: int
    created: ColumnBatch
    given: Sequence[GivenValues] = ()
    skipped: int = 0
    refused: int = 0
    without_key: Collection[int] = ()
    errors: Sequence[RowError] = ()
    uncounted: int = 0


class TypePlanner:
    """Decides what becomes of the rows of one type, chunk by chunk in their order (contract, section 2.5).

    It keeps the first row of each unique value, for later chunks and for types that refer to this one. Values that are
    left to a constraint are not kept if no type may refer to this one.

    Attributes:
        refused: the rows that are left out because of their errors, if they are and a later type may refer to them.
    """

    def __init__(
        self,
        importable: Importable,
        *,
        on_duplicate: OnDuplicate,
        earlier: Mapping[str, TypePlanner],
        match_by: str | None = None,
        is_referenced: bool = True,
        leaves_out_errors: bool = False,
        trusts_constraints: bool = False,
    ) -> None:
        """Plan rows of this type.

        Args:
            importable: the type.
            on_duplicate: what becomes of rows that match existing records.
            earlier: the planners of the types that this one may refer to, by name.
            match_by: the column by which rows match records, if it is a unique column of the type.
            is_referenced: whether a later type may refer to this one; otherwise the planner needs less memory.
            leaves_out_errors: whether rows with errors are left out. Rows that refer to them then have errors too.
            trusts_constraints: whether values of unique columns that have a constraint are not looked up, if each row
                creates a record. A value that a record has is then not found, nor, unless a later type may refer to
                this one, a value that two rows have; PostgreSQL refuses to insert it.
        """
        self.refused: set[int] = set()
        self._leaves_out_errors = leaves_out_errors
        self.importable = importable
        self._is_referenced = is_referenced
        self._on_duplicate = on_duplicate
        self._match_key = importable.find_match_key(match_by) if on_duplicate != "error" else None
        self._order = {name: position for position, name in enumerate(importable.column_names)}
        self._trusted = {
            name
            for name, column in importable.unique_columns.items()
            if trusts_constraints and on_duplicate == "error" and column.constrained
        }
        self._unique = {
            name: UniqueColumn(importable, name)
            for name in importable.unique_columns
            if is_referenced or name not in self._trusted
        }
        self._references = [
            (reference, References(importable, reference, earlier.get(reference.to)))
            for reference in importable.references
        ]
        self._matched: dict[int, int] = {}

    def ask(self, chunk: CleanChunk) -> Questions:
        """The values that the lookups for this chunk need."""
        taken: dict[ColumnKey, set[str]] = {}
        trusted: dict[ColumnKey, set[str]] = {}
        for name, unique in self._unique.items():
            asked = trusted if name in self._trusted else taken
            asked[self.importable.name, name] = set(unique.values(chunk)) - {None}
        found: dict[ColumnKey, set[str]] = {}
        for reference, names in self._references:
            found.setdefault((reference.to, reference.by), set()).update(names.unknown_names(chunk))
        return Questions(taken, found, trusted)

    def plan(self, chunk: CleanChunk, lookups: Lookups) -> PlannedChunk:
        """Decide what becomes of each row, and find all row errors."""
        matched, errors = self._match(chunk, lookups)
        skipped: Collection[int] = matched if self._on_duplicate == "skip" else ()
        if self._on_duplicate != "error":
            chunk.require(self.importable.required_positions, matched=matched, ignored=skipped)
        errors += chunk.errors
        for name, unique in self._unique.items():
            if name != self._match_key:
                errors += unique.check(chunk, lookups, owners=matched, ignored=skipped)
                if skipped and self._is_referenced:
                    unique.note_skipped(chunk, lookups, skipped)
        for _, references in self._references:
            errors += references.check(chunk, lookups, ignored=skipped)
        if chunk.deleted:
            errors = [error for error in errors if error.row not in chunk.deleted]
        errors.sort(key=lambda error: (error.row, self._order.get(error.column or "", -1)))
        if self._is_referenced:
            self._matched |= matched
        refused = {error.row for error in errors} | chunk.with_unknown if self._leaves_out_errors else set()
        if self._is_referenced:
            self.refused |= refused
        columns, without_key = self._resolve(chunk), self._find_without_key(chunk)
        left_out = refused.union(chunk.deleted) if refused or chunk.deleted else ()
        return PlannedChunk(
            self.importable,
            chunk.row_count,
            created=_leave_out(ColumnBatch(chunk.rows, columns), {*matched, *left_out} if left_out else matched),
            given=_gather(chunk, columns, matched, left_out) if self._on_duplicate == "update" else (),
            skipped=len(set(skipped).difference(left_out)) if left_out else len(skipped),
            without_key=set(without_key).difference(left_out) if left_out else without_key,
            refused=len(refused),
            errors=errors,
            uncounted=chunk.uncounted,
        )

    def find_row(self, column: str, folded: str) -> int | None:
        """The first row that has the folded value of a unique column, of those that are not skipped or else of all."""
        unique = self._unique[column]
        return unique.first_rows.get(folded) or unique.skipped_rows.get(folded)

    def target(self, row: int) -> int | RowRef:
        """The record that a row matches, or will create."""
        return self._matched.get(row) or RowRef(self.importable.name, row)

    def _match(self, chunk: CleanChunk, lookups: Lookups) -> tuple[dict[int, int], list[RowError]]:
        if self._match_key is None:
            return {}, []
        return self._unique[self._match_key].match(chunk, lookups, only_one=self._on_duplicate == "update")

    def _find_without_key(self, chunk: CleanChunk) -> Collection[int]:
        if self._on_duplicate == "error":
            return ()
        if self._match_key is None:
            return chunk.rows
        values = self._unique[self._match_key].values(chunk)
        return {row for row, value in zip(chunk.rows, values, strict=True) if value is None} if None in values else ()

    def _resolve(self, chunk: CleanChunk) -> list[Sequence[Any]]:
        """The chunk's columns, with records in place of the names in references."""
        columns = list(chunk.columns)
        for _, references in self._references:
            columns[references.position] = references.resolve(chunk)
        return columns


def _leave_out(batch: ColumnBatch, rows: Collection[int]) -> ColumnBatch:
    """The batch without these rows."""
    if not rows:
        return batch
    kept = [index for index, row in enumerate(batch.rows) if row not in rows]
    return ColumnBatch(
        [batch.rows[index] for index in kept], [[column[index] for index in kept] for column in batch.columns]
    )


def _gather(
    chunk: CleanChunk, columns: Sequence[Sequence[Any]], matched: Mapping[int, int], left_out: Collection[int]
) -> list[GivenValues]:
    """The values and explicit nulls that rows give for the records that they match."""
    gathered = []
    for index, row in enumerate(chunk.rows):
        if row in matched and row not in left_out:
            values = {
                position: column[index]
                for position, column in enumerate(columns)
                if column[index] is not None or index in chunk.nulls.get(position, ())
            }
            gathered.append(GivenValues(row, matched[row], values))
    return gathered
