"""Previews that a worker makes because they take long: queued, stored, and read page by page."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.utils import timezone

from importsvc.engine.schema import registry
from importsvc.errors import DomainError
from importsvc.imports import selectors
from importsvc.imports.services.previewing import PlannedChange, preview_import
from importsvc.imports.services.progress import Progress
from importsvc.imports.services.revert_choices import RevertChoices, preview_choices
from importsvc.imports.services.reverting import find_import, preview_revert
from importsvc.imports.services.stored_choices import read_choices, store_choices
from importsvc.imports.services.stored_parts import Part, shorten
from importsvc.imports.services.transactions import limited_transaction
from importsvc.operations.errors import StoredError, store_error
from importsvc.operations.models import Kind, Operation
from importsvc.operations.selectors import OperationStatus, find_preview, read_status
from importsvc.operations.services import enqueue
from organizations.models import Organization
from people.models import Person

# Previews of imports whose staged rows have at most so many bytes take less than half a second.
SHORT_BYTES = 2 * 1024 * 1024

# Records may be written meanwhile, of which a stored preview does not know. What is done is checked in any case.
HOLDS_FOR = timedelta(minutes=10)

# The records that are stored with a preview: a multiple of each size of a page.
STORED_RECORDS = 500
# The conflicts that are stored with the preview of a revert.
STORED_CONFLICTS = 20


class Previewed(enum.StrEnum):
    """What is previewed: a run, a revert, or what a revert would do with each conflict policy."""

    RUN = "run"
    REVERT = "revert"
    CHOICES = "choices"


@dataclass(frozen=True)
class StoredRun:
    """An ``ImportPreview`` without ``errors``. Of ``changes`` a part was stored, in which long values are cut."""

    counts: Mapping[str, Mapping[str, int]]
    refusal: DomainError | None
    changes: Part[PlannedChange]
    without_key: Mapping[str, int] | None
    etag: str


@dataclass(frozen=True)
class StoredRevert:
    """A ``RevertPreview`` without ``changes``; only the first conflicts were stored."""

    etag: str
    counts: Mapping[str, Mapping[str, int]]
    conflicts: DomainError | None

    def find_conflicts(self) -> DomainError | None:
        """The conflicts, as ``RevertPreview`` has them."""
        return self.conflicts


def takes_long(size: int) -> bool:
    """Whether the preview of an import with so many bytes of staged rows is left to a worker."""
    return size > SHORT_BYTES


def request_preview(
    *,
    organization: Organization,
    creator: Person,
    import_id: int,
    previewed: Previewed,
    page_number: object = None,
    page_size: int = STORED_RECORDS,
) -> OperationStatus:
    """The operation of a preview: one that holds, otherwise one that is queued now.

    A preview holds for ``HOLDS_FOR``, until the import changes, or until its run or revert fails.

    Args:
        organization: of the import.
        creator: calls the service.
        import_id: the import.
        previewed: what is previewed.
        page_number: of the page of records that is shown, counted from 1; without such a page it is the nearest one.
        page_size: the number of records of a page.

    Raises:
        RecordNotFound: there is no such import.
        Unavailable: another transaction has held a lock for too long.
    """
    find = partial(_find_or_queue, organization, creator, import_id)
    found = find({"previewed": previewed.value, "first": 0})
    if found.operation.result is None:
        return found
    # The number of pages is known now.
    last = max(-(-found.operation.result["count"] // page_size), 1)
    page = min(max(_read_number(page_number), 1), last)
    first = (page - 1) * page_size // STORED_RECORDS * STORED_RECORDS
    return find({"previewed": previewed.value, "first": first}) if first else found


def read_run(operation: Operation) -> StoredRun:
    """The preview of a run that an operation has made."""
    result: Any = operation.result
    known = registry.get_names()
    changes = [
        PlannedChange(importable=registry.get(record_type), **change)
        for record_type, change in result["changes"]
        if record_type in known
    ]
    return StoredRun(
        counts=result["counts"],
        refusal=StoredError(result["refusal"]) if result["refusal"] else None,
        changes=Part(result["count"], result["first"], changes),
        without_key=result["without_key"],
        etag=result["etag"],
    )


def read_revert(operation: Operation) -> StoredRevert:
    """The preview of a revert that an operation has made."""
    result: Any = operation.result
    conflicts = StoredError(result["conflicts"]) if result["conflicts"] else None
    return StoredRevert(result["etag"], result["counts"], conflicts)


def read_stored_choices(operation: Operation, *, page_number: object = None, page_size: int) -> RevertChoices:
    """What each conflict policy would do, as an operation has found it, with a page of the records."""
    import_id: Any = operation.import_record_id
    return read_choices(
        operation.result,
        organization_id=operation.organization_id,
        import_id=import_id,
        page_number=page_number,
        page_size=page_size,
    )


def make_preview(operation: Operation, progress: Progress) -> None:
    """Do the work of an operation that previews, and set its ``result``.

    Raises:
        DomainError: as the service does that previews.
    """
    arguments = operation.arguments["arguments"]
    import_id: Any = operation.import_record_id
    make = _MAKERS[Previewed(arguments["previewed"])]
    operation.result = make(operation.organization, import_id, arguments["first"], progress)


def _find_or_queue(
    organization: Organization, creator: Person, import_id: int, arguments: dict[str, Any]
) -> OperationStatus:
    # Before the worker reads anything: if the import changes meanwhile, the preview does not hold.
    version = selectors.read_version(organization=organization, import_id=import_id)
    given = {**arguments, "version": version}
    since = timezone.now() - HOLDS_FOR
    found = find_preview(organization=organization, import_id=import_id, arguments=given, since=since)
    if found is not None:
        return found
    find_import(import_id=import_id, organization=organization)
    with limited_transaction():
        operation = enqueue(
            organization=organization,
            creator=creator,
            kind=Kind.PREVIEW,
            import_id=import_id,
            arguments={"arguments": given, "if_match": None},
        )
    return read_status(organization=organization, operation_id=operation.pk)


def _store_run(organization: Organization, import_id: int, first: int, progress: Progress) -> dict[str, Any]:
    preview = preview_import(organization=organization, import_id=import_id, progress=progress)
    changes = [(change.importable.name, _store_change(change)) for change in _slice(preview.changes, first)]
    return {
        "etag": preview.etag,
        "counts": preview.counts,
        "without_key": preview.without_key,
        "refusal": store_error(preview.refusal) if preview.refusal else None,
        "count": len(preview.changes),
        "first": first,
        "changes": changes,
    }


def _store_change(change: PlannedChange) -> dict[str, Any]:
    sides = {
        side: None if values is None else {name: shorten(value) for name, value in values.items()}
        for side, values in (("before", change.before), ("after", change.after))
    }
    return {
        "row": change.row,
        "action": change.action,
        "record_id": change.record_id,
        "without_key": change.without_key,
        **sides,
    }


def _store_revert(organization: Organization, import_id: int, first: int, progress: Progress) -> dict[str, Any]:
    preview = preview_revert(organization=organization, import_id=import_id)
    stored, conflicts = None, preview.find_conflicts()
    if conflicts:
        stored = store_error(conflicts)
        stored["meta"] = {**stored["meta"], "conflicts": stored["meta"]["conflicts"][:STORED_CONFLICTS]}
    return {"etag": preview.etag, "counts": preview.counts, "conflicts": stored, "count": 0}


def _store_choices(organization: Organization, import_id: int, first: int, progress: Progress) -> dict[str, Any]:
    choices = preview_choices(
        organization=organization,
        import_id=import_id,
        page_number=first // STORED_RECORDS + 1,
        page_size=STORED_RECORDS,
    )
    return store_choices(choices)


_MAKERS: Mapping[Previewed, Callable[[Organization, int, int, Progress], dict[str, Any]]] = {
    Previewed.RUN: _store_run,
    Previewed.REVERT: _store_revert,
    Previewed.CHOICES: _store_choices,
}


def _slice(changes: Any, first: int) -> Sequence[PlannedChange]:
    found: Sequence[PlannedChange] = changes[first : first + STORED_RECORDS]
    return found


def _read_number(given: object) -> int:
    text = str(given or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1
