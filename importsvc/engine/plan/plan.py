"""Rows and lookups to the records to write, or every row error. Pure: no Django, no database.

A plan is made piece by piece when somebody asks for its records, so that PostgreSQL can write the first while the last
are still being made. Who must know before anything is written that all rows are right asks ``is_valid`` first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from importsvc.engine.errors import RowError
from importsvc.engine.parse.rows import CleanRows, Piece
from importsvc.engine.plan.row_checks import References, RowOf, UniqueColumn
from importsvc.engine.schema.importable import Importable

if TYPE_CHECKING:
    from importsvc.engine.plan.lookups import Lookups

__all__ = ["Block", "GivenValues", "OnDuplicate", "Plan", "PlannedRecords", "RowOf", "make_plan"]

# What becomes of a row whose match key a record of the organization has already.
OnDuplicate = Literal["error", "skip", "update"]


class Block(NamedTuple):
    """Records to create.

    Attributes:
        rows: the numbers of the rows they come from, in order.
        columns: for each of the type's columns and references the value of each record. ``None`` means the default;
            the value of a reference is a record's id, or a ``RowOf``.
    """

    rows: Sequence[int]
    columns: Sequence[Sequence[Any]]


class GivenValues(NamedTuple):
    """What a row says about a record that exists.

    Attributes:
        row: the number of the row.
        record_id: of the record.
        values: by place among the type's columns and references, those that the row gives: a clean value, a record's
            id or a ``RowOf``, or ``None`` where it says that there is to be no value.
    """

    row: int
    record_id: int
    values: Mapping[int, Any]


class PlannedRecords:
    """The records of one type to create, one for each row in order.

    Attributes:
        importable: the type.
    """

    def __init__(self, importable: Importable, values: Sequence[tuple[Any, ...]]) -> None:
        """``values`` has for each record a value for each of the type's columns and references, as in a ``Block``."""
        self.importable = importable
        self._values = values

    @property
    def rows(self) -> range:
        """The numbers of all rows, whatever becomes of them."""
        return range(1, len(self._values) + 1)

    @property
    def created(self) -> int:
        """How many records there are to create."""
        return len(self.rows)

    def blocks(self) -> Iterator[Block]:
        """The records to create, as often as asked for. They end early where a row turns out to be wrong."""
        if self._values:
            yield Block(self.rows, list(zip(*self._values, strict=True)))

    def given_values(self) -> Iterator[list[GivenValues]]:
        """What rows say about records that exist, some rows at a time; nothing of those that are to be skipped."""
        return iter(())

    @property
    def skipped(self) -> int:
        """How many rows are about records that exist and are to be left alone."""
        return 0

    @property
    def values(self) -> list[tuple[Any, ...]]:
        """All records to create, each with a value for each of the type's columns and references."""
        return [values for block in self.blocks() for values in zip(*block.columns, strict=True)]

    @property
    def errors(self) -> list[RowError]:
        """Everything that is wrong with the rows, in row order."""
        return []

    @property
    def has_errors(self) -> bool:
        """Whether anything has been found wrong so far."""
        return False

    def __eq__(self, other: object) -> bool:
        """Whether the same records of the same type are to be created."""
        if not isinstance(other, PlannedRecords):
            return NotImplemented
        return self.importable == other.importable and self.values == other.values

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Plan:
    """What an import would write.

    Attributes:
        records: by type, those referred to first.
        submitted: the names of the types in the order in which they were submitted.
    """

    records: Sequence[PlannedRecords]
    submitted: Collection[str]

    @property
    def errors(self) -> dict[str, list[RowError]]:
        """Every row error by type, in the order the types were submitted, and in row order."""
        errors = {records.importable.name: records.errors for records in self.records}
        return {name: errors.get(name, []) for name in self.submitted}

    @property
    def is_valid(self) -> bool:
        """Whether every row can be written."""
        return not any(self.errors.values())


def make_plan(
    all_rows: Mapping[str, CleanRows],
    lookups: Lookups,
    *,
    dependency_order: Iterable[Importable],
    on_duplicate: OnDuplicate = "error",
    on_checked: Callable[[int], None] | None = None,
) -> Plan:
    """Decide what each row becomes, and find everything that is wrong with any of them (contract, section 2.5).

    Args:
        all_rows: the rows by type, in the order they were submitted; unless duplicates are errors they ``may_match``.
        lookups: what the organization has already of what these rows mention.
        dependency_order: all importables, those referred to first.
        on_duplicate: what becomes of a row whose match key a record has already.
        on_checked: told how many rows more have been checked, some at a time.
    """
    records: dict[str, _RecordsOfRows] = {}
    for importable in dependency_order:
        if importable.name in all_rows:
            rows = all_rows[importable.name]
            records[importable.name] = _RecordsOfRows(rows, lookups, records, on_duplicate, on_checked)
    return Plan(list(records.values()), all_rows.keys())


class _RecordsOfRows(PlannedRecords):
    """Records made of rows when somebody asks for them."""

    def __init__(
        self,
        rows: CleanRows,
        lookups: Lookups,
        earlier: Mapping[str, _RecordsOfRows],
        on_duplicate: OnDuplicate,
        on_checked: Callable[[int], None] | None,
    ) -> None:
        importable = rows.importable
        super().__init__(importable, ())
        self._rows = rows
        self._on_duplicate = on_duplicate
        self._on_checked = on_checked
        self._unique = {
            column.name: UniqueColumn(rows, column.name, lookups)
            for column in importable.columns
            if (importable.name, column.name) in lookups.taken
        }
        self._references = {
            importable.position(reference.name): References(rows, reference, lookups, earlier.get(reference.to))
            for reference in importable.references
        }
        self._matched: dict[int, int] = {}
        self._errors: list[RowError] = []
        self._checked = 0

    @property
    def rows(self) -> range:
        return range(self._rows.last + 1 - len(self._rows), self._rows.last + 1)

    @property
    def created(self) -> int:
        self._check_all()
        return len(self._rows) - len(self._matched)

    def blocks(self) -> Iterator[Block]:
        for index, piece in enumerate(self._rows.pieces, start=1):
            self._check(index)
            if self.has_errors:
                return
            yield self._make_block(piece)

    def given_values(self) -> Iterator[list[GivenValues]]:
        if self._on_duplicate == "update":
            self._check_all()
            yield from filter(None, map(self._gather, self._rows.pieces))

    @property
    def skipped(self) -> int:
        self._check_all()
        return len(self._matched) if self._on_duplicate == "skip" else 0

    @property
    def values(self) -> list[tuple[Any, ...]]:
        """All records, the wrong ones too."""
        self._check_all()
        blocks = map(self._make_block, self._rows.pieces)
        return [values for block in blocks for values in zip(*block.columns, strict=True)]

    @property
    def errors(self) -> list[RowError]:
        self._check_all()
        return self._rows.sort([*self._rows.known_errors, *self._errors])

    @property
    def has_errors(self) -> bool:
        return bool(self._errors or self._rows.known_errors)

    def first_rows(self, column: str) -> Mapping[str, int]:
        """The first row that has each folded value of a unique column; nothing if its values are not checked."""
        self._check_all()
        unique = self._unique.get(column)
        return unique.first_rows if unique else {}

    def target(self, row: int) -> int | RowOf:
        """The record that a row is about or will become."""
        return self._matched.get(row) or RowOf(self.importable.name, row)

    def _check_all(self) -> None:
        self._check(len(self._rows.pieces))

    def _check(self, count: int) -> None:
        """Look at the first ``count`` pieces, as far as that was not done before."""
        while self._checked < count:
            piece = self._rows.pieces[self._checked]
            for position in range(len(piece.columns)):
                self._rows.clean(piece, position)
            key = self.importable.match_key if self._on_duplicate != "error" else None
            skipped: Collection[int] = ()
            if self._on_duplicate != "error":
                if key:
                    matched, errors = self._unique[key].match(piece, only_one=self._on_duplicate == "update")
                    self._matched |= matched
                    self._errors += errors
                    skipped = matched if self._on_duplicate == "skip" else ()
                self._rows.require(piece, matched=self._matched, ignored=skipped)
            for name, unique in self._unique.items():
                if name != key:
                    self._errors += unique.check(piece, owners=self._matched, ignored=skipped)
            for references in self._references.values():
                self._errors += references.check(piece, ignored=skipped)
            self._checked += 1
            if self._on_checked:
                self._on_checked(piece.count)

    def _make_block(self, piece: Piece) -> Block:
        columns = self._resolve(piece)
        rows: Sequence[int] = piece.rows
        if self._matched and not self._matched.keys().isdisjoint(rows):
            kept = [index for index, row in enumerate(rows) if row not in self._matched]
            rows = [rows[index] for index in kept]
            columns = [[column[index] for index in kept] for column in columns]
        return Block(rows, columns)

    def _gather(self, piece: Piece) -> list[GivenValues]:
        columns = self._resolve(piece)
        gathered = []
        for index, row in enumerate(piece.rows):
            if row in self._matched:
                values = {
                    position: column[index]
                    for position, column in enumerate(columns)
                    if column[index] is not None or index in piece.nulls.get(position, ())
                }
                gathered.append(GivenValues(row, self._matched[row], values))
        return gathered

    def _resolve(self, piece: Piece) -> list[Sequence[Any]]:
        """The piece's columns, with what references mean in place of names."""
        columns = list(piece.columns)
        for position, references in self._references.items():
            columns[position] = list(map(references.targets.get, columns[position]))
        return columns
