"""Compares proposals with what a column holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from importsvc.files.mapping.targets import find_target
from importsvc.files.reading.detection import DetectedColumn

# The detected kinds of columns that may fill a target of text.
_NAMES = frozenset({"text", "empty"})
_NUMBERS = frozenset({"integer", "number", "currency", "empty"})
# From this rate on different values are unique, but for rows that are in the file twice.
_UNIQUE = 0.95
# Up to this rate values are repeated often enough to tell.
_REPEATED = 0.8


def contradicts(column: DetectedColumn, targets: Sequence[str]) -> bool:
    """Whether the values of a column are not what these targets take, as dates for a first name."""
    if column.kind == "empty":
        return False
    return any(column.kind not in _get_kinds(name) and not _has_addresses(column, name) for name in targets)


def find_owner(numbers: DetectedColumn, companies: DetectedColumn) -> Literal["person", "company"] | None:
    """Whose a column of numbers is, in a list of people with their companies.

    Numbers that differ where companies repeat are those of people; numbers that repeat as often as the companies are
    those of companies. ``None`` if the values do not tell.
    """
    if numbers.distinct_rate is None or companies.distinct_rate is None:
        return None
    if numbers.distinct_rate >= _UNIQUE and companies.distinct_rate <= _REPEATED:
        return "person"
    are_alike = abs(numbers.distinct_rate - companies.distinct_rate) <= 1 - _UNIQUE
    return "company" if are_alike and numbers.distinct_rate <= _REPEATED else None


def _has_addresses(column: DetectedColumn, name: str) -> bool:
    """Whether a column for addresses has some, beside values that are none: each of these becomes a row error."""
    target = find_target(name)
    if target is None or target.column != "email":
        return False
    return column.kind == "text" and any("@" in sample for sample in column.samples)


def _get_kinds(name: str) -> frozenset[str]:
    """The kinds of columns whose values the target takes."""
    target = find_target(name)
    if target is None or target.column == "external_id" or target.kind in ("object", "date", "boolean"):
        return frozenset({"text", "integer", "number", "date", "boolean", "email", "phone", "url", "currency"})
    if target.column == "email":
        return frozenset({"email"})
    if target.kind == "number":
        return _NUMBERS
    if target.column in ("name", "company"):
        return _NAMES | {"integer", "number", "url"}  # "3M", "1822"
    return _NAMES | {"integer"} if target.kind == "tags" else _NAMES
