"""What rows say about other records, checked chunk by chunk: unique values, match keys, references. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from importsvc.engine.errors import RowError, label
from importsvc.engine.parse.rows import CleanChunk
from importsvc.engine.schema.importable import Importable, Reference

if TYPE_CHECKING:
    from importsvc.engine.plan.lookups import Lookups

# As many names are remembered with what they refer to; then the database is asked anew.
REMEMBERED_NAMES = 100_000


class RowRef(NamedTuple):
    """Stands for the record that a row of this payload will become. ``row`` counts from 1."""

    type_name: str
    row: int


class UniqueColumn:
    """A column in which every value is another one, in the organization and in the payload.

    Attributes:
        name: of the column.
        first_rows: the first row that has each folded value.
    """

    def __init__(self, importable: Importable, name: str) -> None:
        self.name = name
        self.first_rows: dict[str, int] = {}
        self._matched_rows: set[int] = set()
        self._key = (importable.name, name)
        self._position = importable.position(name)

    def values(self, chunk: CleanChunk) -> Sequence[Any]:
        """The values of the chunk in this column."""
        return chunk.columns[self._position]

    def check(
        self,
        chunk: CleanChunk,
        lookups: Lookups,
        *,
        owners: Mapping[int, int] | None = None,
        ignored: Collection[int] = (),
    ) -> list[RowError]:
        """An error for each value of the chunk that is taken, by a record or by an earlier row.

        Args:
            chunk: with clean values.
            lookups: what the organization has of these values.
            owners: the record that a row is about, for rows about records that exist: it may have the value itself.
            ignored: rows of which nothing is written.
        """
        taken = lookups.taken[self._key]
        folded = lookups.fold_all(self.values(chunk))
        if not ignored and self._note_all(chunk.rows, folded, taken):
            return []
        owners = owners or {}
        return [
            RowError(row, self.name, f"{label(self.name)} has already been taken")
            for row, value in zip(chunk.rows, folded, strict=True)
            if value is not None
            and row not in ignored
            and (self._is_repeated(value, row) or not set(taken.get(value, ())) <= {owners.get(row)})
        ]

    def match(self, chunk: CleanChunk, lookups: Lookups, *, only_one: bool) -> tuple[dict[int, int], list[RowError]]:
        """The record that each row is about, by the row's number, for those whose value a record has already.

        Two rows of one value are an error. So is, with ``only_one``, a value that several records have.
        """
        taken = lookups.taken[self._key]
        folded = lookups.fold_all(self.values(chunk))
        if self._note_all(chunk.rows, folded, taken):
            return {}, []
        matched: dict[int, int] = {}
        errors: list[RowError] = []
        for row, value in zip(chunk.rows, folded, strict=True):
            if value is None:
                continue
            ids = taken.get(value)
            first_row = self.first_rows.setdefault(value, row)
            # Otherwise the record is what the first row of the value became, in a chunk that was written meanwhile.
            if ids and (first_row == row or first_row in self._matched_rows):
                matched[row] = ids[0]
                self._matched_rows.add(first_row)
            if first_row != row:
                errors.append(RowError(row, self.name, f"{label(self.name)} has already been taken"))
            elif ids and only_one and len(ids) > 1:
                errors.append(RowError(row, self.name, f"{label(self.name)} is ambiguous"))
        return matched, errors

    def _note_all(self, rows: Sequence[int], folded: Sequence[str | None], taken: Mapping[str, Any]) -> bool:
        """Note which rows have the values, unless any of the values is blank, repeated or taken."""
        found = dict(zip(folded, rows, strict=True))
        found.pop(None, None)
        is_plain = (
            len(found) == len(rows)
            and taken.keys().isdisjoint(found)
            # Asked the other way round it would go through all values that came before.
            and not any(map(self.first_rows.__contains__, found))
        )
        if is_plain:
            self.first_rows.update(found)  # type: ignore[arg-type]
        return is_plain

    def _is_repeated(self, value: str, row: int) -> bool:
        return self.first_rows.setdefault(value, row) != row


class Referred(Protocol):
    """Rows that others may refer to."""

    def first_rows(self, column: str) -> Mapping[str, int]:
        """The first row that has each folded value of a unique column."""

    def target(self, row: int) -> int | RowRef:
        """The record that a row is about or will become."""


class References:
    """A column of names, and the record or row that each of them means."""

    def __init__(self, importable: Importable, reference: Reference, payload: Referred | None) -> None:
        """``payload`` has the rows of this payload that the reference may mean, if there are any."""
        self.position = importable.position(reference.name)
        self._reference = reference
        self._payload = payload
        self._targets: dict[str | None, int | RowRef] = {}
        self._problems: dict[str | None, str] = {}

    def unknown_names(self, chunk: CleanChunk) -> set[str]:
        """The names of the chunk that the lookups for ``check`` have to know."""
        if len(self._targets) + len(self._problems) > REMEMBERED_NAMES:
            self._targets.clear()
            self._problems.clear()
        return set(chunk.columns[self.position]).difference(self._targets).difference(self._problems) - {None}

    def check(self, chunk: CleanChunk, lookups: Lookups, *, ignored: Collection[int] = ()) -> Iterator[RowError]:
        """An error for each name of the chunk that means nothing, or more than one thing; not for ``ignored`` rows."""
        ids_by_name = lookups.found[self._reference.to, self._reference.by]
        new = list(self.unknown_names(chunk))
        for name, folded in zip(new, lookups.fold_all(new), strict=True):
            # A record the organization has wins over a row of the same name: that row is an error of its own, or
            # about it.
            if not (ids := ids_by_name.get(folded)):
                self._find_in_payload(name, folded)
            elif len(ids) == 1:
                self._targets[name] = ids[0]
            else:
                self._problems[name] = "is ambiguous"
        names = chunk.columns[self.position]
        if not any(map(self._problems.__contains__, names)):
            return
        column = self._reference.name
        for row, name in zip(chunk.rows, names, strict=True):
            if name in self._problems and row not in ignored:
                yield RowError(row, column, f"{label(column)} {self._problems[name]}")

    def resolve(self, chunk: CleanChunk) -> list[int | RowRef | None]:
        """What the names of a chunk mean that was checked."""
        return list(map(self._targets.get, chunk.columns[self.position]))

    def _find_in_payload(self, name: str, folded: str) -> None:
        row = self._payload.first_rows(self._reference.by).get(folded) if self._payload else None
        if self._payload and row:
            self._targets[name] = self._payload.target(row)
        else:
            self._problems[name] = "must exist"
