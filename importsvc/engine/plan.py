"""Rows and lookups to the records to write, or every row error. Pure: no Django, no database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from importsvc.engine.errors import RowError, label
from importsvc.engine.importable import Column, Importable
from importsvc.engine.rows import CleanRows

if TYPE_CHECKING:
    from importsvc.engine.lookups import Lookups


class RowOf(NamedTuple):
    """Stands for the record that a row of this payload will become. ``row`` counts from 1."""

    type_name: str
    row: int


@dataclass(frozen=True)
class PlannedRecords:
    """The records of one type to create, one for each row in order.

    Attributes:
        importable: the type.
        values: for each record a value for each of the importable's columns and references. ``None`` means the
            default; the value of a reference is a record's id, or a ``RowOf``.
    """

    importable: Importable
    values: list[tuple[Any, ...]]


@dataclass(frozen=True)
class Plan:
    """What an import would write.

    Attributes:
        records: by type, those referred to first. Only to be written when there are no errors.
        errors: every row error by type, in the order the types were submitted, and in row order.
    """

    records: Sequence[PlannedRecords]
    errors: Mapping[str, list[RowError]]

    @property
    def is_valid(self) -> bool:
        """Whether every row can be written."""
        return not any(self.errors.values())


def make_plan(all_rows: Mapping[str, CleanRows], lookups: Lookups, *, dependency_order: Iterable[Importable]) -> Plan:
    """Decide what each row becomes, and find everything that is wrong with any of them (contract, section 2.5).

    Args:
        all_rows: the clean rows by type, in the order they were submitted.
        lookups: what the organization has already of what these rows mention.
        dependency_order: all importables, those referred to first.
    """
    records: list[PlannedRecords] = []
    errors = {name: list(rows.errors) for name, rows in all_rows.items()}
    first_rows: dict[tuple[str, str], dict[str, int]] = {}
    for importable in dependency_order:
        rows = all_rows.get(importable.name)
        if rows is None:
            continue
        for column in importable.columns:
            if column.unique:
                first = _check_unique(rows, column, lookups, errors[importable.name])
                first_rows[importable.name, column.name] = first
        records.append(PlannedRecords(importable, _resolve(rows, lookups, first_rows, errors[importable.name])))
    for name, rows in all_rows.items():
        order = {column: position for position, column in enumerate(rows.importable.column_names)}
        errors[name].sort(key=lambda error: (error.row, order.get(error.column or "", -1)))
    return Plan(records, errors)


def _check_unique(rows: CleanRows, column: Column, lookups: Lookups, errors: list[RowError]) -> dict[str, int]:
    """The first row that has each folded value of the column. A value that is taken goes to ``errors``."""
    position = rows.importable.position(column.name)
    taken = lookups.taken[rows.importable.name, column.name]
    first: dict[str, int] = {}
    for number, values in enumerate(rows.values, start=1):
        if values[position] is not None:
            folded = lookups.fold(values[position])
            if folded in taken or folded in first:
                errors.append(RowError(number, column.name, f"{label(column.name)} has already been taken"))
            first.setdefault(folded, number)
    return first


def _resolve(
    rows: CleanRows,
    lookups: Lookups,
    first_rows: Mapping[tuple[str, str], Mapping[str, int]],
    errors: list[RowError],
) -> list[tuple[Any, ...]]:
    """The values of each row with the names in its references replaced by the records that have them."""
    references = rows.importable.references
    if not references:
        return rows.values
    own_columns = len(rows.importable.columns)
    targets = [
        _find_targets(
            {values[position] for values in rows.values} - {None},
            lookups,
            lookups.found[reference.to, reference.by],
            {
                folded: RowOf(reference.to, row)
                for folded, row in first_rows.get((reference.to, reference.by), {}).items()
            },
        )
        for position, reference in enumerate(references, start=own_columns)
    ]
    resolved: list[tuple[Any, ...]] = []
    for number, values in enumerate(rows.values, start=1):
        found: list[int | RowOf | None] = []
        for value, reference, (known, problems) in zip(values[own_columns:], references, targets, strict=True):
            found.append(known.get(value))
            if value in problems:
                errors.append(RowError(number, reference.name, f"{label(reference.name)} {problems[value]}"))
        resolved.append((*values[:own_columns], *found))
    return resolved


def _find_targets(
    names: Iterable[str], lookups: Lookups, ids: Mapping[str, Sequence[int]], rows: Mapping[str, RowOf]
) -> tuple[dict[str, int | RowOf], dict[str, str]]:
    """What each name refers to, of records and rows by folded name, and what is wrong with the other names."""
    targets: dict[str, int | RowOf] = {}
    problems: dict[str, str] = {}
    for name in names:
        folded = lookups.fold(name)
        # A record the organization has wins over a row of the same name: that row is an error of its own.
        if len(found := ids.get(folded, ())) > 1:
            problems[name] = "is ambiguous"
        elif found:
            targets[name] = found[0]
        elif folded in rows:
            targets[name] = rows[folded]
        else:
            problems[name] = "must exist"
    return targets, problems
