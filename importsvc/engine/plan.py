"""Rows and lookups to the records to write, or every row error. Pure: no Django, no database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from importsvc.engine.errors import RowError, label
from importsvc.engine.importable import Importable
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
        for name in _columns_to_compare(importable, dependency_order):
            first_rows[importable.name, name] = _first_rows(rows, name, lookups.fold)
        _check_unique(rows, lookups, first_rows, errors[importable.name])
        records.append(PlannedRecords(importable, _resolve(rows, lookups, first_rows, errors[importable.name])))
    for name, rows in all_rows.items():
        order = {column: position for position, column in enumerate(rows.importable.column_names)}
        errors[name].sort(key=lambda error: (error.row, order.get(error.column or "", -1)))
    return Plan(records, errors)


def _columns_to_compare(importable: Importable, importables: Iterable[Importable]) -> set[str]:
    """The columns of this type whose values rows of this payload are compared by."""
    unique = {column.name for column in importable.columns if column.unique}
    referred = {ref.by for other in importables for ref in other.references if ref.to == importable.name}
    return unique | referred


def _first_rows(rows: CleanRows, column: str, fold: Callable[[str], str]) -> dict[str, int]:
    """The first row that has each folded value of the column."""
    position = rows.importable.position(column)
    first: dict[str, int] = {}
    for number, values in enumerate(rows.values, start=1):
        if values[position] is not None:
            first.setdefault(fold(values[position]), number)
    return first


def _check_unique(
    rows: CleanRows,
    lookups: Lookups,
    first_rows: Mapping[tuple[str, str], Mapping[str, int]],
    errors: list[RowError],
) -> None:
    for position, column in enumerate(rows.importable.columns):
        if not column.unique:
            continue
        key = (rows.importable.name, column.name)
        taken, first = lookups.taken[key], first_rows[key]
        message = f"{label(column.name)} has already been taken"
        for number, values in enumerate(rows.values, start=1):
            value = values[position]
            if value is not None and ((folded := lookups.fold(value)) in taken or first[folded] < number):
                errors.append(RowError(number, column.name, message))


def _resolve(
    rows: CleanRows,
    lookups: Lookups,
    first_rows: Mapping[tuple[str, str], Mapping[str, int]],
    errors: list[RowError],
) -> list[tuple[Any, ...]]:
    """The values of each row with the names in its references replaced by the records that have them."""
    importable = rows.importable
    if not importable.references:
        return rows.values
    own_columns = len(importable.columns)
    resolvers = [
        (reference, lookups.found[reference.to, reference.by], first_rows.get((reference.to, reference.by), {}))
        for reference in importable.references
    ]
    resolved: list[tuple[Any, ...]] = []
    for number, values in enumerate(rows.values, start=1):
        targets: list[int | RowOf | None] = []
        for value, (reference, found, first) in zip(values[own_columns:], resolvers, strict=True):
            target: int | RowOf | None = None
            if value is not None:
                folded = lookups.fold(value)
                # A record the organization has wins over a row of the same name: that row is an error of its own.
                ids = found.get(folded, ())
                if len(ids) > 1:
                    errors.append(RowError(number, reference.name, f"{label(reference.name)} is ambiguous"))
                elif ids:
                    target = ids[0]
                elif folded in first:
                    target = RowOf(reference.to, first[folded])
                else:
                    errors.append(RowError(number, reference.name, f"{label(reference.name)} must exist"))
            targets.append(target)
        resolved.append((*values[:own_columns], *targets))
    return resolved
