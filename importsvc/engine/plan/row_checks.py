"""What rows say about other records, checked piece by piece: unique values, match keys, references. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from importsvc.engine.errors import RowError, label
from importsvc.engine.parse.rows import CleanRows, Piece
from importsvc.engine.schema.importable import Reference

if TYPE_CHECKING:
    from importsvc.engine.plan.lookups import Lookups


class RowOf(NamedTuple):
    """Stands for the record that a row of this payload will become. ``row`` counts from 1."""

    type_name: str
    row: int


class UniqueColumn:
    """A column in which every value is another one, in the organization and in the payload."""

    def __init__(self, rows: CleanRows, name: str, lookups: Lookups) -> None:
        """``name`` is a column of these rows that the lookups know the values of."""
        self.first_rows: dict[str, int] = {}
        self._name = name
        self._position = rows.importable.position(name)
        self._fold_all = lookups.fold_all
        self._taken = lookups.taken[rows.importable.name, name]

    def check(
        self, piece: Piece, *, owners: Mapping[int, int] | None = None, ignored: Collection[int] = ()
    ) -> list[RowError]:
        """An error for each value of the piece that is taken, by a record or by an earlier row.

        Args:
            piece: with clean values.
            owners: the record that a row is about, for rows about records that exist: it may have the value itself.
            ignored: rows that nobody will write.
        """
        folded = self._fold_all(piece.columns[self._position])
        if not ignored and self._note_all(piece.rows, folded):
            return []
        owners = owners or {}
        return [
            RowError(row, self._name, f"{label(self._name)} has already been taken")
            for row, value in zip(piece.rows, folded, strict=True)
            if value is not None
            and row not in ignored
            and (self._is_repeated(value, row) or not set(self._taken.get(value, ())) <= {owners.get(row)})
        ]

    def match(self, piece: Piece, *, only_one: bool) -> tuple[dict[int, int], list[RowError]]:
        """The record that each row is about, by the row's number, for those whose value a record has already.

        Two rows of one value are an error. So is, with ``only_one``, a value that several records have.
        """
        folded = self._fold_all(piece.columns[self._position])
        if self._note_all(piece.rows, folded):
            return {}, []
        matched: dict[int, int] = {}
        errors: list[RowError] = []
        for row, value in zip(piece.rows, folded, strict=True):
            if value is None:
                continue
            if ids := self._taken.get(value):
                matched[row] = ids[0]
            if self._is_repeated(value, row):
                errors.append(RowError(row, self._name, f"{label(self._name)} has already been taken"))
            elif ids and only_one and len(ids) > 1:
                errors.append(RowError(row, self._name, f"{label(self._name)} is ambiguous"))
        return matched, errors

    def _note_all(self, rows: Sequence[int], folded: Sequence[str | None]) -> bool:
        """Note which rows have the values, if at a glance nothing is the matter with any."""
        found = dict(zip(folded, rows, strict=True))
        found.pop(None, None)
        is_plain = (
            len(found) == len(rows)
            and self._taken.keys().isdisjoint(found)
            and self.first_rows.keys().isdisjoint(found)
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

    def target(self, row: int) -> int | RowOf:
        """The record that a row is about or will become."""


class References:
    """A column of names, and the record or row that each of them means."""

    def __init__(self, rows: CleanRows, reference: Reference, lookups: Lookups, payload: Referred | None) -> None:
        """``payload`` has the rows of this payload that the reference may mean, if there are any."""
        self.targets: dict[str | None, int | RowOf] = {}
        self._problems: dict[str | None, str] = {}
        self._reference = reference
        self._position = rows.importable.position(reference.name)
        self._fold_all = lookups.fold_all
        self._ids = lookups.found[reference.to, reference.by]
        self._payload = payload

    def check(self, piece: Piece, *, ignored: Collection[int] = ()) -> Iterator[RowError]:
        """An error for each name of the piece that means nothing, or more than one thing; not for ``ignored`` rows."""
        names: Sequence[Any] = piece.columns[self._position]
        new = list(set(names).difference(self.targets).difference(self._problems) - {None})
        for name, folded in zip(new, self._fold_all(new), strict=True):
            # A record the organization has wins over a row of the same name: that row is an error of its own, or
            # about it.
            if not (ids := self._ids.get(folded)):
                self._find_in_payload(name, folded)
            elif len(ids) == 1:
                self.targets[name] = ids[0]
            else:
                self._problems[name] = "is ambiguous"
        if self._problems.keys().isdisjoint(names):
            return
        name = self._reference.name
        for row, value in zip(piece.rows, names, strict=True):
            if value in self._problems and row not in ignored:
                yield RowError(row, name, f"{label(name)} {self._problems[value]}")

    def _find_in_payload(self, name: str, folded: str) -> None:
        row = self._payload.first_rows(self._reference.by).get(folded) if self._payload else None
        if self._payload and row:
            self.targets[name] = self._payload.target(row)
        else:
            self._problems[name] = "must exist"
