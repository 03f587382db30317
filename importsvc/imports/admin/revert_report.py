"""The result of a revert: on the page of the import, and as a report for the customer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db.models import QuerySet

from importsvc.changelog.models import CREATED, Change, Outcome
from importsvc.imports.actors import Actor, read_actor
from importsvc.imports.formatting import POLICIES, sort_by_type
from importsvc.imports.models import Import
from importsvc.imports.record_texts import RecordTexts
from importsvc.imports.services import get_record_noun, get_record_types, get_resource_type

CHANGES_AT_ONCE = 2_000
CSV_COLUMNS = ("type", "row", "id", "name", "field", "before", "after", "outcome")


@dataclass(frozen=True)
class RevertResult:
    """What a revert did.

    Attributes:
        at: when.
        actor: that reverted the import; ``None`` if it is not known.
        policy: the conflict policy, in words; empty if it is not known.
        outcomes: the headers of ``counts``.
        counts: of each type its plural name and the number of records for each outcome; empty if they are not known.
        has_report: whether the change log is still there.
    """

    at: datetime
    actor: Actor | None
    policy: str
    outcomes: Sequence[str]
    counts: Sequence[tuple[str, Sequence[int]]]
    has_report: bool


def describe_result(import_: Import) -> RevertResult | None:
    """What the revert of an import did; ``None`` if it was not reverted."""
    if import_.reverted_at is None:
        return None
    outcomes = [outcome.value for outcome in Outcome]
    counts = sort_by_type(import_.revert_counts or {})
    return RevertResult(
        at=import_.reverted_at,
        actor=read_actor(import_.reverted_by),
        policy=next((words for policy, words in POLICIES.items() if policy == import_.reverted_with), ""),
        outcomes=outcomes,
        counts=[
            (get_resource_type(name), [of_type.get(each, 0) for each in outcomes]) for name, of_type in counts.items()
        ],
        has_report=import_.pruned_at is None,
    )


def write_report(import_: Import) -> Iterator[Sequence[str]]:
    """The rows of the CSV file, with the headers: a row for each value that the import wrote, in row order.

    Names are those that records have now, or that the import gave to records that no longer exist. The caller has begun
    a transaction.
    """
    yield CSV_COLUMNS
    changes = Change.objects.of_import(organization_id=import_.organization_id, import_id=import_.pk)
    for record_type in get_record_types():
        yield from _write_type(import_, changes.filter(record_type=record_type).order_by("row", "id"))


def _write_type(import_: Import, changes: QuerySet[Change]) -> Iterator[Sequence[str]]:
    rows = changes.iterator(chunk_size=CHANGES_AT_ONCE)
    while part := list(islice(rows, CHANGES_AT_ONCE)):
        texts = RecordTexts(part, organization_id=import_.organization_id)
        for change in part:
            yield from _write_change(change, texts)


def _write_change(change: Change, texts: RecordTexts) -> Iterator[Sequence[str]]:
    record_type, before, after = change.record_type, change.before or {}, change.after or {}
    record = (get_record_noun(record_type), str(change.row), str(change.record_id), texts.name_record(change))
    for column in texts.sort_fields(record_type, before.keys() | after.keys()):
        values = (texts.describe(record_type, column, side.get(column)) for side in (before, after))
        yield (*record, texts.label(record_type, column), *values, _find_outcome(change, column))


def _find_outcome(change: Change, column: str) -> str:
    """The outcome of a value: of an updated record, a kept one has some that are kept and others that are restored."""
    outcome = change.find_outcome(is_reverted=True) or ""
    if outcome == Outcome.KEPT and change.action != CREATED and column not in (change.kept_fields or ()):
        return str(Outcome.RESTORED.value)
    return str(outcome)
