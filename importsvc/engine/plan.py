"""Rows and lookups to the records to write, or every row error. Pure: no Django, no database.

A plan is made piece by piece when somebody asks for its records, so that PostgreSQL can write the first while the last
are still being made. Who must know before anything is written that all rows are right asks ``is_valid`` first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from importsvc.engine.errors import RowError, label
from importsvc.engine.importable import Importable, Reference
from importsvc.engine.rows import CleanRows, Piece

if TYPE_CHECKING:
    from importsvc.engine.lookups import Lookups


class RowOf(NamedTuple):
    """Stands for the record that a row of this payload will become. ``row`` counts from 1."""

    type_name: str
    row: int


class Block(NamedTuple):
    """Records to create that follow each other.

    Attributes:
        first_row: the number of the row that the first of them comes from.
        columns: for each of the type's columns and references the value of each record. ``None`` means the default;
            the value of a reference is a record's id, or a ``RowOf``.
    """

    first_row: int
    columns: Sequence[Sequence[Any]]


class PlannedRecords:
    """The records of one type to create, one for each row in order.

    Attributes:
        importable: the type.
    """

    def __init__(self, importable: Importable, values: Sequence[tuple[Any, ...]]) -> None:
        """``values`` has for each record a value for each of the type's columns and references, as in a ``Block``."""
        self.importable = importable
        self._values = values

    def __len__(self) -> int:
        """How many there are."""
        return len(self._values)

    def blocks(self) -> Iterator[Block]:
        """The records, as often as somebody asks for them. They end early where a row turns out to be wrong."""
        if self._values:
            yield Block(1, list(zip(*self._values, strict=True)))

    @property
    def values(self) -> list[tuple[Any, ...]]:
        """All records, each with a value for each of the type's columns and references."""
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


def make_plan(all_rows: Mapping[str, CleanRows], lookups: Lookups, *, dependency_order: Iterable[Importable]) -> Plan:
    """Decide what each row becomes, and find everything that is wrong with any of them (contract, section 2.5).

    Args:
        all_rows: the rows by type, in the order they were submitted.
        lookups: what the organization has already of what these rows mention.
        dependency_order: all importables, those referred to first.
    """
    records: dict[str, _RecordsOfRows] = {}
    for importable in dependency_order:
        if importable.name in all_rows:
            records[importable.name] = _RecordsOfRows(all_rows[importable.name], lookups, records)
    return Plan(list(records.values()), all_rows.keys())


class _RecordsOfRows(PlannedRecords):
    """Records made of rows when somebody asks for them."""

    def __init__(self, rows: CleanRows, lookups: Lookups, earlier: Mapping[str, _RecordsOfRows]) -> None:
        super().__init__(rows.importable, ())
        self._rows = rows
        self._unique = {
            column.name: _UniqueColumn(rows, column.name, lookups)
            for column in rows.importable.columns
            if (rows.importable.name, column.name) in lookups.taken
        }
        self._references = {
            rows.importable.position(reference.name): _References(rows, reference, lookups, earlier.get(reference.to))
            for reference in rows.importable.references
        }
        self._errors: list[RowError] = []
        self._checked = 0

    def __len__(self) -> int:
        return len(self._rows)

    def blocks(self) -> Iterator[Block]:
        for index, piece in enumerate(self._rows.pieces, start=1):
            self._check(index)
            if self.has_errors:
                return
            yield self._make_block(piece)

    @property
    def values(self) -> list[tuple[Any, ...]]:
        """All records, the wrong ones too."""
        self._check(len(self._rows.pieces))
        blocks = map(self._make_block, self._rows.pieces)
        return [values for block in blocks for values in zip(*block.columns, strict=True)]

    @property
    def errors(self) -> list[RowError]:
        self._check(len(self._rows.pieces))
        return self._rows.sort([*self._rows.known_errors, *self._errors])

    @property
    def has_errors(self) -> bool:
        return bool(self._errors or self._rows.known_errors)

    def first_rows(self, column: str) -> Mapping[str, int]:
        """The first row that has each folded value of a unique column; nothing if its values are not checked."""
        self._check(len(self._rows.pieces))
        unique = self._unique.get(column)
        return unique.first_rows if unique else {}

    def _check(self, count: int) -> None:
        """Look at the first ``count`` pieces, as far as that was not done before."""
        while self._checked < count:
            piece = self._rows.pieces[self._checked]
            for position in range(len(piece.columns)):
                self._rows.clean(piece, position)
            for unique in self._unique.values():
                self._errors += unique.check(piece)
            for references in self._references.values():
                self._errors += references.check(piece)
            self._checked += 1

    def _make_block(self, piece: Piece) -> Block:
        columns = list(piece.columns)
        for position, references in self._references.items():
            columns[position] = list(map(references.targets.get, columns[position]))
        return Block(piece.first, columns)


class _UniqueColumn:
    """A column in which every value is another one, in the organization and in the payload."""

    def __init__(self, rows: CleanRows, name: str, lookups: Lookups) -> None:
        self.first_rows: dict[str, int] = {}
        self._name = name
        self._position = rows.importable.position(name)
        self._fold_all = lookups.fold_all
        self._taken = lookups.taken[rows.importable.name, name]

    def check(self, piece: Piece) -> list[RowError]:
        """An error for each value of the piece that is taken, by a record or by an earlier row."""
        folded = self._fold_all(piece.columns[self._position])
        numbers = range(piece.first, piece.first + piece.count)
        found = dict(zip(folded, numbers, strict=True))
        found.pop(None, None)
        if len(found) == piece.count and self._taken.isdisjoint(found) and self.first_rows.keys().isdisjoint(found):
            self.first_rows.update(found)  # type: ignore[arg-type]
            return []
        errors: list[RowError] = []
        for number, value in zip(numbers, folded, strict=True):
            if value is not None:
                if value in self._taken or value in self.first_rows:
                    errors.append(RowError(number, self._name, f"{label(self._name)} has already been taken"))
                self.first_rows.setdefault(value, number)
        return errors


class _References:
    """A column of names, and the record or row that each of them means."""

    def __init__(self, rows: CleanRows, reference: Reference, lookups: Lookups, payload: _RecordsOfRows | None) -> None:
        self.targets: dict[str | None, int | RowOf] = {}
        self._problems: dict[str | None, str] = {}
        self._reference = reference
        self._position = rows.importable.position(reference.name)
        self._fold = lookups.fold
        self._ids = lookups.found[reference.to, reference.by]
        self._payload = payload

    def check(self, piece: Piece) -> list[RowError]:
        """An error for each name of the piece that means nothing, or more than one thing."""
        names = piece.columns[self._position]
        for name in set(names) - self.targets.keys() - self._problems.keys() - {None}:
            self._resolve(name)
        if self._problems.keys().isdisjoint(names):
            return []
        name = self._reference.name
        return [
            RowError(number, name, f"{label(name)} {self._problems[value]}")
            for number, value in enumerate(names, start=piece.first)
            if value in self._problems
        ]

    def _resolve(self, name: str) -> None:
        folded = self._fold(name)
        # A record the organization has wins over a row of the same name: that row is an error of its own.
        if len(ids := self._ids.get(folded, ())) > 1:
            self._problems[name] = "is ambiguous"
        elif ids:
            self.targets[name] = ids[0]
        elif row := (self._payload.first_rows(self._reference.by).get(folded) if self._payload else None):
            self.targets[name] = RowOf(self._reference.to, row)
        else:
            self._problems[name] = "must exist"
