"""Texts about imports for operators, shared by the admin and the commands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from importsvc.errors import DomainError, RecordNotFound
from importsvc.imports.errors import ImportPruned
from importsvc.imports.models import Import
from importsvc.imports.services import OnConflict, UndoReport, describe_records, get_record_types
from importsvc.text.display import printable

DESCRIBED_CONFLICTS = 5

# Of the errors of rows so many are described.
DESCRIBED_ROWS = 5

# What the conflict policies are called.
POLICIES: Mapping[OnConflict, str] = {
    "keep": "Keep later edits; undo everything else",
    "discard": "Undo everything; later edits are lost",
    "refuse": "Revert only without conflicts",
}

_REASONS = {
    "changed": "changed since",
    "column_gone": "the table has no such column any more",
    "reference_gone": "what it referred to before is gone",
}


def describe_counts(counts: Mapping[str, int]) -> str:
    """Numbers of records by importable name, as ``1 company, 2 people``; ``nothing`` if all are 0."""
    return ", ".join(describe_records(name, count) for name, count in counts.items() if count) or "nothing"


def describe_rows(counts: Mapping[str, Mapping[str, int]]) -> str:
    """The ``counts`` of an import, as ``created 1 company; updated 2 people``."""
    counts = sort_by_type(counts)
    outcomes = dict.fromkeys(outcome for of_type in counts.values() for outcome in of_type) or ["created"]
    return _describe({what: _count_by_type(counts, what) for what in outcomes})


def describe_file_rows(counts: Mapping[str, int]) -> str:
    """The ``file_counts`` of an import, as ``5 rows: 3 used, 2 blank, 0 with values in ignored columns only``."""
    rows, blank, unmapped = (counts[name] for name in ("row_count", "blank_row_count", "unmapped_row_count"))
    used = rows - blank - unmapped
    return (
        f"{rows} row{'' if rows == 1 else 's'}: {used} used, {blank} blank, {unmapped} with values in ignored columns"
        " only"
    )


def describe_planned_rows(counts: Mapping[str, Mapping[str, int]]) -> str:
    """The ``counts`` of a preview, as ``would create 1 company; skip 2 people; 1 person unchanged``."""
    done = {"create": "created", "update": "updated", "skip": "skipped", "refuse": "refused"}
    planned = {verb: _count_by_type(counts, outcome) for verb, outcome in done.items()}
    return f"would {_describe(planned, {'unchanged': _count_by_type(counts, 'unchanged')})}"


def describe_progress(progress: Mapping[str, Any]) -> str:
    """The progress of the operation that runs: ``operation 7: writing, 400 of 1000 rows``."""
    parts = [progress["phase"]] if progress["phase"] else []
    if progress["total"]:
        parts.append(f"{progress['done']} of {progress['total']} rows")
    return ": ".join([f"operation {progress['operation_id']}", *([", ".join(parts)] if parts else [])])


def describe_pruning(import_: Import) -> str:
    """That the rows of the import were deleted, and what it cannot do any more; empty if they were not."""
    return f"{ImportPruned(import_).detail}." if import_.pruned_at else ""


def describe_revert(revert: UndoReport) -> str:
    """What a revert did: ``removed 1 company, 2 people; restored 3 people; kept 1 person; 1 person gone already``."""
    done = {"removed": revert.removed, "restored": revert.restored, "kept": revert.kept}
    return _describe(done, {"gone already": revert.gone})


def sort_by_type(counts: Mapping[str, Mapping[str, int]]) -> dict[str, Mapping[str, int]]:
    """Stored counts in the order in which types are imported; PostgreSQL sorts the keys of ``jsonb`` by itself."""
    known = [name for name in get_record_types() if name in counts]
    return {name: counts[name] for name in dict.fromkeys([*known, *counts])}


def describe_stored_revert(counts: Mapping[str, Mapping[str, int]]) -> str:
    """The ``revert_counts`` of an import, in the words of ``describe_revert``."""
    counts = sort_by_type(counts)
    done = {outcome: _count_by_type(counts, outcome) for outcome in ("removed", "restored", "kept")}
    return _describe(done, {"gone already": _count_by_type(counts, "gone")})


def describe_planned_revert(revert: UndoReport) -> str:
    """What a revert would do: ``removes 1 company; restores 3 people; keeps 1 person; 1 person gone already``."""
    done = {"removes": revert.removed, "restores": revert.restored, "keeps": revert.kept}
    return _describe(done, {"gone already": revert.gone})


def describe_revert_preview(counts: Mapping[str, Mapping[str, int]], *, on_conflict: OnConflict = "refuse") -> str:
    """What a revert would do, by the ``counts`` of its preview.

    ``remove 1 company; restore 3 people; 1 person in conflict; 1 person gone already``. With the policy ``keep``,
    records in conflict are those that it would keep: ``keep 1 person``.
    """
    done = {"remove": "removed", "restore": "restored"}
    found = {"in conflict": "conflict", "gone already": "gone"}
    if on_conflict == "keep":
        done["keep"] = found.pop("in conflict")
    return _describe(
        {verb: _count_by_type(counts, outcome) for verb, outcome in done.items()},
        {what: _count_by_type(counts, outcome) for what, outcome in found.items()},
    )


def describe_refusal(error: DomainError) -> str:
    """Why an import was not reverted, as one clause."""
    return "not found" if isinstance(error, RecordNotFound) else str(error.detail)


def describe_row_error_count(count: int | None) -> str:
    """``1 row error``, ``12 row errors``; empty for none."""
    return f"{count} row error{'' if count == 1 else 's'}" if count else ""


def describe_stored_errors(errors: Iterable[Mapping[str, Any]]) -> list[str]:
    """The stored errors of an operation or a refusal in sentences."""
    return [sentence for error in errors for sentence in describe_detail(error["detail"], error["attribute"])]


def describe_detail(detail: str | Mapping[str, Any], attribute: str | None = None) -> list[str]:
    """A detail of an error in sentences. One that goes on after its attribute begins with a small letter."""
    if isinstance(detail, Mapping):
        return _describe_row_errors(detail)
    if detail[:1].islower() and attribute:
        name = attribute.rpartition("/")[2].replace("_", " ")
        detail = f"{name.capitalize()} {detail}"
    return [detail if detail.endswith((".", "!", "?")) else f"{detail}."]


def describe_conflicts(error: DomainError | None) -> list[str]:
    """The first conflicts of a refused revert, one line each, and the number of further ones.

    ``people/7 (row 2): changed since: title from "Dr" to null``, ``companies/3 (row 1): referred to by people/9``.
    Empty for other errors, and without an error.
    """
    meta = (error and error.meta) or {}
    lines = [_describe_conflict(conflict) for conflict in meta.get("conflicts", [])[:DESCRIBED_CONFLICTS]]
    more = meta.get("conflict_count", 0) - len(lines)
    return [*lines, f"and {more} more"] if more > 0 else lines


def _describe(done: Mapping[str, Mapping[str, int]], found: Mapping[str, Mapping[str, int]] | None = None) -> str:
    """Clauses of ``done``, with the verb before the records, and of ``found``, with the records first."""
    clauses = [f"{verb} {describe_counts(counts)}" for verb, counts in done.items() if any(counts.values())]
    clauses = clauses or [f"{next(iter(done))} nothing"]
    clauses += [f"{describe_counts(counts)} {what}" for what, counts in (found or {}).items() if any(counts.values())]
    return "; ".join(clauses)


def _count_by_type(counts: Mapping[str, Mapping[str, int]], what: str) -> dict[str, int]:
    return {name: of_type.get(what, 0) for name, of_type in counts.items()}


def _describe_conflict(conflict: Mapping[str, Any]) -> str:
    record = f"{conflict['type']}/{conflict['id']} (row {conflict['row']})"
    if conflict["reason"] == "referenced":
        referrer = conflict["referenced_by"]
        which = referrer["type"] if referrer["id"] is None else f"{referrer['type']}/{referrer['id']}"
        return f"{record}: referred to by {which}"
    fields = conflict["fields"]
    if conflict["reason"] == "changed":
        then, now = conflict["then"], conflict["now"]
        fields = [f"{name} from {_describe_value(then[name])} to {_describe_value(now.get(name))}" for name in fields]
    return f"{record}: {_REASONS[conflict['reason']]}: {', '.join(fields)}"


def _describe_value(value: object) -> str:
    """The value as JSON: text has quotes, which tell it from numbers and null, and no control characters."""
    return printable(json.dumps(value, ensure_ascii=False))


def _describe_row_errors(detail: Mapping[str, Any]) -> list[str]:
    rows = [(name, row) for name, of_type in detail.items() for row in of_type]
    sentences = [
        f"{name.capitalize()} row {row['row']}: {'; '.join(row['messages'])}." for name, row in rows[:DESCRIBED_ROWS]
    ]
    if len(rows) > DESCRIBED_ROWS:
        sentences.append(f"{len(rows) - DESCRIBED_ROWS} more rows have errors.")
    return sentences
