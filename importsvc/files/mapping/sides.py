"""The sides of a sheet: which type its rows are of, and which types are derived from them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from operator import add

from importsvc.engine.schema import registry
from importsvc.engine.schema.importable import Importable, Reference
from importsvc.files.mapping.columns import Columns, TargetColumn, encode_value, encode_values
from importsvc.files.mapping.document import Mapping
from importsvc.files.mapping.targets import find_target

COMPANY = "company"  # the type that ``missing_companies`` is about


@dataclass(frozen=True)
class SheetPlan:
    """What the rows of a sheet become.

    Attributes:
        primary: the type that each row gives a row of; ``None`` if nothing is mapped.
        derived: the other types, each after the ones that it refers to. Rows of the file that name the same record of
            such a type give one row of it.
        keys: by derived type the target whose value names the record: the column of the type itself, or a reference.
        unconnected: mapped types that no reference of another one leads to, or whose record no column names.
    """

    primary: Importable | None
    derived: Sequence[Importable] = ()
    keys: MappingOf[str, str] = field(default_factory=dict)
    unconnected: Sequence[str] = ()

    def get_key_column(self, importable: Importable) -> str:
        """The unique column of a derived type whose value names a record."""
        key = self.keys[importable.name]
        type_name, _, column = key.partition(".")
        if type_name == importable.name:
            return column
        return next(reference.by for reference in registry.get(type_name).references if reference.name == column)


def plan_sheet(mapping: Mapping, sheet: str | None) -> SheetPlan:
    """The primary type of a sheet is the mapped one that others do not refer to; these are derived from its rows.

    Companies that are only named are derived as well, if the mapping creates missing companies and no sheet lists them.
    """
    targets = _find_targets(mapping, sheet)
    mapped = [importable for importable in registry.in_dependency_order() if importable.name in targets]
    if not mapped:
        return SheetPlan(None)
    primary = mapped[-1]
    keys: dict[str, str] = {}
    unconnected: list[str] = []
    sides = [primary]
    for importable in reversed(mapped[:-1]):
        key = _find_key(importable, sides, targets)
        if key is None:
            unconnected.append(importable.name)
        else:
            keys[importable.name] = key
            sides.append(importable)
    named = _find_named_company(mapping, sides, targets)
    if named is not None:
        keys[COMPANY] = named
    derived = [importable for importable in registry.in_dependency_order() if importable.name in keys]
    return SheetPlan(primary, derived, keys, unconnected)


def find_derived_types(mapping: Mapping, sheets: Sequence[str | None]) -> list[str]:
    """The types that the mapping derives from rows of others in these sheets, and lists in none of them."""
    plans = [plan_sheet(mapping, sheet) for sheet in sheets]
    primary = {plan.primary.name for plan in plans if plan.primary is not None}
    return sorted({importable.name for plan in plans for importable in plan.derived} - primary)


def _find_targets(mapping: Mapping, sheet: str | None) -> dict[str, set[str]]:
    """The columns and references that are filled in a sheet, by type."""
    targets: dict[str, set[str]] = {}
    for column in mapping.in_sheet(sheet):
        for target in filter(None, map(find_target, column.targets)):
            targets.setdefault(target.type_name, set()).add(target.column)
    return targets


def _find_key(importable: Importable, sides: Sequence[Importable], targets: MappingOf[str, set[str]]) -> str | None:
    references = list(_find_references(importable.name, sides))
    for _, reference in references:
        if reference.by in targets[importable.name]:
            return f"{importable.name}.{reference.by}"
    for side, reference in references:
        if reference.name in targets[side.name]:
            return f"{side.name}.{reference.name}"
    return None


def _find_named_company(mapping: Mapping, sides: Sequence[Importable], targets: MappingOf[str, set[str]]) -> str | None:
    if mapping.missing_companies != "create" or COMPANY in targets or lists_companies(mapping):
        return None
    for side, reference in _find_references(COMPANY, sides):
        if reference.name in targets[side.name]:
            return f"{side.name}.{reference.name}"
    return None


def lists_companies(mapping: Mapping) -> bool:
    """Whether a sheet of the mapping has companies as its primary type."""
    sheets = {column.sheet for column in mapping.columns if column.sheet is not None}
    return any(set(_find_targets(mapping, sheet)) == {COMPANY} for sheet in sheets)


def _find_references(type_name: str, sides: Sequence[Importable]) -> Iterator[tuple[Importable, Reference]]:
    for side in sides:
        for reference in side.references:
            if reference.to == type_name:
                yield side, reference


class Side:
    """The values of one type in the rows of a sheet, as parts of JSON objects: ``,"last_name":"Lee"``."""

    def __init__(self, columns: Sequence[TargetColumn]) -> None:
        names = dict.fromkeys(column.target.column for column in columns)
        self.fields = [Field(name, [column for column in columns if column.target.column == name]) for name in names]

    def read(self, columns: Columns, row_count: int) -> list[list[str]]:
        """By field the part of each row; empty for a blank one. Constants are left out."""
        return [field.read(columns, row_count) for field in self.fields]

    def complete(self, parts: Sequence[Sequence[str]]) -> list[list[str]]:
        """The parts with the constants."""
        return [field.complete(values) for field, values in zip(self.fields, parts, strict=True)]


class Field:
    """A column or reference of a type, and what fills it: one column of the file, or one for each member."""

    def __init__(self, name: str, columns: Collection[TargetColumn]) -> None:
        self.name = name
        self._prefix = f",{encode_value(name)}:"
        self._is_object = any(column.target.member is not None for column in columns)
        self._columns = [column for column in columns if not column.is_constant]
        constants = [column for column in columns if column.is_constant]
        self._constants = "".join(self._read_column(column, [], 1)[0] for column in constants)

    def read(self, columns: Columns, row_count: int) -> list[str]:
        """The part of each row; empty for a blank one. Constants are left out."""
        if not self._columns:
            return [""] * row_count
        parts = [self._read_column(column, columns, row_count) for column in self._columns]
        if not self._is_object:
            return parts[0]
        return list(map("".join, zip(*parts, strict=True)))

    def complete(self, parts: Sequence[str]) -> list[str]:
        """The parts with the constants, of objects as a whole."""
        if not self._is_object:
            return [self._constants] * len(parts) if self._constants else list(parts)
        constants = self._constants
        wholes = (part + constants for part in parts)
        return [f"{self._prefix}{{{whole[1:]}}}" if whole else "" for whole in wholes]

    def _read_column(self, column: TargetColumn, columns: Columns, row_count: int) -> list[str]:
        member = column.target.member
        prefix = self._prefix if member is None else f",{encode_value(member)}:"
        encoded = encode_values(column.read(columns, row_count))
        if all(encoded):
            return list(map(prefix.__add__, encoded))
        return [prefix + text if text else "" for text in encoded]


def join_parts(parts: Sequence[Sequence[str]], row_count: int) -> list[str]:
    """The parts of each row as one text."""
    if not parts:
        return [""] * row_count
    joined = list(parts[0])
    for more in parts[1:]:
        joined = list(map(add, joined, more))
    return joined
