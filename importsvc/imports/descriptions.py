"""Imports in plain words, for operators: the admin and the commands say the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from importsvc.engine import registry
from importsvc.errors import DomainError, RecordNotFound

DESCRIBED_CONFLICTS = 5

_REASONS = {
    "changed": "changed since",
    "column_gone": "the table has no such column any more",
    "reference_gone": "what it referred to before is gone",
}


def describe_counts(counts: Mapping[str, int]) -> str:
    """Records by importable name, as in ``1 company, 2 people``; ``nothing`` if there are none."""
    return ", ".join(_describe_count(name, count) for name, count in counts.items() if count) or "nothing"


def describe_refusal(error: DomainError) -> str:
    """Why an import was not reverted, as one clause."""
    return "not found" if isinstance(error, RecordNotFound) else str(error.detail)


def describe_conflicts(error: DomainError) -> list[str]:
    """The first records that stand in the way of a revert, one line each, and how many more there are.

    ``people/7 (row 2): changed since: title``, ``companies/3 (row 1): referred to by people/9``. Empty for refusals
    of other kinds.
    """
    meta = error.meta or {}
    lines = [_describe_conflict(conflict) for conflict in meta.get("conflicts", [])[:DESCRIBED_CONFLICTS]]
    more = meta.get("conflict_count", 0) - len(lines)
    return [*lines, f"and {more} more"] if more > 0 else lines


def _describe_count(name: str, count: int) -> str:
    try:
        options = registry.get(name).model._meta
    except KeyError:  # the journal outlives the types it names
        return f"{count} {name}"
    return f"{count} {options.verbose_name if count == 1 else options.verbose_name_plural}"


def _describe_conflict(conflict: Mapping[str, Any]) -> str:
    record = f"{conflict['type']}/{conflict['id']} (row {conflict['row']})"
    if conflict["reason"] == "referenced":
        return f"{record}: referred to by {conflict['referenced_by']['type']}/{conflict['referenced_by']['id']}"
    return f"{record}: {_REASONS[conflict['reason']]}: {', '.join(sorted(conflict['fields']))}"
