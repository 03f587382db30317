"""The history of a record: what imports and reverts did to it, and which imports have written it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Max

from importsvc.changelog.models import CREATED, Change, Outcome
from importsvc.changelog.selectors import select_changes_of_records
from importsvc.imports.actors import Actor, read_actor
from importsvc.imports.models import Import
from importsvc.imports.services import find_keyed_records

# The records whose imports one search finds.
FOUND_RECORDS = 50

_REVERTED = {
    Outcome.REMOVED: "Removed by the revert of",
    Outcome.RESTORED: "Restored by the revert of",
    Outcome.KEPT: "Kept by the revert of",
    Outcome.GONE: "Not found by the revert of",
}


@dataclass(frozen=True)
class RecordEvent:
    """What an import or its revert did to a record.

    Attributes:
        at: when.
        what: in words that end before the name of the import: ``Created by``.
        import_id: the import.
        actor: that ran or reverted the import; ``None`` if it is not known.
        values: by column of the table, the value before and after.
        is_revertible: whether this can be undone, by a revert of the import.
    """

    at: datetime
    what: str
    import_id: int
    actor: Actor | None
    values: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    is_revertible: bool = False


class RecordHistory(NamedTuple):
    """What imports and reverts did to a record, the latest first, and the changes of which that is told."""

    events: list[RecordEvent]
    changes: list[Change]


def read_record_history(*, organization_id: int, record_type: str, record_id: int) -> RecordHistory:
    """The history of a record of the organization.

    Changes that were pruned are not in it.
    """
    changes = list(select_changes_of_records([organization_id], record_type, [record_id]))
    found = {change.import_record_id: change for change in changes}
    imports = Import.objects.filter(organization_id=organization_id, pk__in=found)
    events = [event for import_ in imports for event in _describe(import_, found[import_.pk])]
    return RecordHistory(sorted(events, key=lambda event: (event.at, event.import_id), reverse=True), changes)


def find_imports_by_record(key: str) -> set[int]:
    """The ids of imports, of any organization, that wrote a record whose match key is ``key``, regardless of case."""
    found: set[int] = set()
    for record_type, records in find_keyed_records(key, limit=FOUND_RECORDS).items():
        organizations = {organization_id for organization_id, _ in records}
        changes = select_changes_of_records(organizations, record_type, [record_id for _, record_id in records])
        found.update(changes.values_list("import_record_id", flat=True))
    return found


def find_last_imports(
    organization_ids: Collection[int], record_type: str, record_ids: Collection[int]
) -> dict[int, int]:
    """The id of the last import that wrote each of these records of a type, by the id of the record.

    Records of which the change log has nothing are left out.
    """
    changes = select_changes_of_records(organization_ids, record_type, record_ids)
    return dict(changes.values_list("record_id").annotate(last=Max("import_record_id")).order_by())


def _describe(import_: Import, change: Change) -> Iterator[RecordEvent]:
    assert import_.processed_at  # noqa: S101 - it has a change
    before, after = change.before or {}, change.after or {}
    done = "Created" if change.action == CREATED else "Updated"
    values = {name: (before.get(name), value) for name, value in after.items()}
    yield RecordEvent(
        import_.processed_at,
        f"{done} by",
        import_.pk,
        read_actor(import_.processed_by),
        values,
        is_revertible=import_.is_revertible,
    )
    if outcome := change.find_outcome(is_reverted=import_.reverted_at is not None):
        assert import_.reverted_at  # noqa: S101 - it has an outcome
        restored = {} if change.action == CREATED else _leave_out(before, change.kept_fields or ())
        yield RecordEvent(
            import_.reverted_at,
            _REVERTED[Outcome(outcome)],
            import_.pk,
            read_actor(import_.reverted_by),
            {name: (after.get(name), value) for name, value in restored.items()} if outcome != Outcome.GONE else {},
        )


def _leave_out(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}
