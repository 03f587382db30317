"""Checks rows against other rows and records, chunk by chunk: unique values, match keys, references. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from importsvc.engine.errors import Code, RowError, label
from importsvc.engine.parse.rows import CleanChunk
from importsvc.engine.schema.importable import Importable, Reference

if TYPE_CHECKING:
    from importsvc.engine.plan.lookups import Lookups
    from importsvc.engine.plan.plan import TypePlanner

# The number of names whose records are kept; above it, names are looked up again.
CACHED_NAMES = 100_000


class RowRef(NamedTuple):
    """A record that a row of this import will create. ``row`` counts from 1 within the type."""

    type_name: str
    row: int


class _Problem(NamedTuple):
    """Why a name cannot be used. ``message`` is the rest of a sentence that starts with the column's label."""

    message: str
    code: Code
    other_row: int | None = None


class UniqueColumn:
    """A column whose values are unique in the organization and in the import.

    Attributes:
        name: of the column.
        first_rows: the first row that has each folded value.
        skipped_rows: the first row that has each folded value, of those that are skipped because they match a record
            by another column.
    """

    def __init__(self, importable: Importable, name: str) -> None:
        self.name = name
        self.first_rows: dict[str, int] = {}
        self.skipped_rows: dict[str, int] = {}
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
            lookups: the results for these values.
            owners: by row, the record that it matches; that record may have the value.
            ignored: rows that are not written.
        """
        values = self.values(chunk)
        if values.count(None) == len(values):
            return []
        taken = lookups.taken[self._key]
        folded = lookups.fold_all(self._key, values)
        if not ignored and self._note_all(chunk.rows, folded, taken):
            return []
        owners = owners or {}
        return [
            self._refuse(row, self.first_rows[value])
            for row, value in zip(chunk.rows, folded, strict=True)
            if value is not None
            and row not in ignored
            and (self._is_repeated(value, row) or not set(taken.get(value, ())) <= {owners.get(row)})
        ]

    def note_skipped(self, chunk: CleanChunk, lookups: Lookups, skipped: Collection[int]) -> None:
        """Note the values of rows that are skipped because of another column, for references to these values."""
        for row, value in zip(chunk.rows, lookups.fold_all(self._key, self.values(chunk)), strict=True):
            if row in skipped and value is not None:
                self.skipped_rows.setdefault(value, row)

    def match(self, chunk: CleanChunk, lookups: Lookups, *, only_one: bool) -> tuple[dict[int, int], list[RowError]]:
        """The record that each row matches, by the number of the row, and the errors of the match key.

        Two rows with the same value are an error. With ``only_one``, so is a value that several records have.
        """
        values = self.values(chunk)
        if values.count(None) == len(values):
            return {}, []
        taken = lookups.taken[self._key]
        folded = lookups.fold_all(self._key, values)
        if self._note_all(chunk.rows, folded, taken):
            return {}, []
        matched: dict[int, int] = {}
        errors: list[RowError] = []
        for row, value in zip(chunk.rows, folded, strict=True):
            if value is None:
                continue
            ids = taken.get(value)
            first_row = self.first_rows.setdefault(value, row)
            # Otherwise the first row with the value created the record, in an earlier chunk that is already written.
            if ids and (first_row == row or first_row in self._matched_rows):
                matched[row] = ids[0]
                self._matched_rows.add(first_row)
            if first_row != row:
                errors.append(self._refuse(row, first_row))
            elif ids and only_one and len(ids) > 1:
                errors.append(RowError(row, self.name, f"{label(self.name)} is ambiguous", Code.AMBIGUOUS))
        return matched, errors

    def _note_all(self, rows: Sequence[int], folded: Sequence[str | None], taken: Mapping[str, Any]) -> bool:
        """Note the rows of the values, unless any value is blank, repeated or taken; return whether they are noted."""
        found = dict(zip(folded, rows, strict=True))
        found.pop(None, None)
        is_plain = (
            len(found) == len(rows)
            and taken.keys().isdisjoint(found)
            # ``isdisjoint`` of the other set would iterate over the values of all earlier rows.
            and not any(map(self.first_rows.__contains__, found))
        )
        if is_plain:
            self.first_rows.update(found)  # type: ignore[arg-type]
        return is_plain

    def _is_repeated(self, value: str, row: int) -> bool:
        return self.first_rows.setdefault(value, row) != row

    def _refuse(self, row: int, first_row: int) -> RowError:
        """The error of a row whose value an earlier row has, or a record."""
        taken = f"{label(self.name)} has already been taken"
        if first_row == row:
            return RowError(row, self.name, taken, Code.TAKEN)
        return RowError(row, self.name, f"{taken} by row {first_row}", Code.REPEATED, first_row)


class References:
    """A reference column: its names, and the record or row that each name refers to."""

    def __init__(self, importable: Importable, reference: Reference, payload: TypePlanner | None) -> None:
        """``payload`` plans the rows of this import that the reference may refer to, if there are any."""
        self.position = importable.position(reference.name)
        self._reference = reference
        self._payload = payload
        self._targets: dict[str | None, int | RowRef] = {}
        self._problems: dict[str | None, _Problem] = {}

    def unknown_names(self, chunk: CleanChunk) -> set[str]:
        """The names of the chunk that are to be looked up before ``check``."""
        if len(self._targets) + len(self._problems) > CACHED_NAMES:
            self._targets.clear()
            self._problems.clear()
        return set(chunk.columns[self.position]).difference(self._targets).difference(self._problems) - {None}

    def check(self, chunk: CleanChunk, lookups: Lookups, *, ignored: Collection[int] = ()) -> Iterator[RowError]:
        """An error for each name of the chunk that refers to no record or to several; none for ``ignored`` rows."""
        key = (self._reference.to, self._reference.by)
        ids_by_name = lookups.found[key]
        new = list(self.unknown_names(chunk))
        for name, folded in zip(new, lookups.fold_all(key, new), strict=True):
            # An existing record has precedence over a row with the same name: that row matches it, or is an error.
            if not (ids := ids_by_name.get(folded)):
                self._find_in_payload(name, folded)
            elif len(ids) == 1:
                self._targets[name] = ids[0]
            else:
                self._problems[name] = _Problem("is ambiguous", Code.AMBIGUOUS)
        names = chunk.columns[self.position]
        if not any(map(self._problems.__contains__, names)):
            return
        column = self._reference.name
        for row, name in zip(chunk.rows, names, strict=True):
            if name in self._problems and row not in ignored:
                message, code, other_row = self._problems[name]
                yield RowError(row, column, f"{label(column)} {message}", code, other_row)

    def resolve(self, chunk: CleanChunk) -> list[int | RowRef | None]:
        """The records or rows that the names of a checked chunk refer to."""
        return list(map(self._targets.get, chunk.columns[self.position]))

    def _find_in_payload(self, name: str, folded: str) -> None:
        row = self._payload.find_row(self._reference.by, folded) if self._payload else None
        if self._payload and row in self._payload.refused:
            self._problems[name] = _Problem(f"is in row {row}, which has errors", Code.REFERS_TO_ERROR, row)
        elif self._payload and row:
            self._targets[name] = self._payload.target(row)
        else:
            self._problems[name] = _Problem("must exist", Code.MUST_EXIST)
