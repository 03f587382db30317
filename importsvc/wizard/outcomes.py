"""What becomes of rows, in numbers and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from importsvc.imports.formatting import describe_counts, sort_by_type

# In the order in which they are shown.
_TITLES = {
    "created": "Created",
    "updated": "Updated",
    "unchanged": "Unchanged",
    "skipped": "Skipped",
    "refused": "Left out",
}


@dataclass(frozen=True)
class Outcome:
    """An outcome of rows: its title, their number, and the numbers by type in words; empty for none."""

    title: str
    count: int
    by_type: str


def count_outcomes(counts: Mapping[str, Mapping[str, int]]) -> list[Outcome]:
    """The outcomes of an import's ``counts``, or of a preview's; rows with errors only if there are some."""
    outcomes = []
    for name, title in _TITLES.items():
        by_type = {type_name: of_type.get(name, 0) for type_name, of_type in sort_by_type(counts).items()}
        total = sum(by_type.values())
        if total or name != "refused":
            records = describe_counts(by_type) if total else ""
            outcomes.append(Outcome(title, total, f"{records} with errors" if name == "refused" else records))
    return outcomes


def describe_outcomes(counts: Mapping[str, Mapping[str, int]]) -> str:
    """The same in one line: ``Created: 6 companies, 48 people. Updated: 1 person``."""
    clauses = [f"{outcome.title}: {outcome.by_type}" for outcome in count_outcomes(counts) if outcome.count]
    return ". ".join(clauses) or "No rows"
