"""``RevertChoices`` as JSON, with the records of a part of all pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.core.paginator import Page, Paginator

from importsvc.changelog.models import Change
from importsvc.engine.revert.conflicts import Conflict, Reason
from importsvc.engine.revert.preview import UndoChange
from importsvc.engine.revert.revert import UndoReport
from importsvc.imports.services.record_types import find_record_model
from importsvc.imports.services.revert_choices import RevertChoices
from importsvc.imports.services.stored_parts import Part, shorten

_COUNTS = ("removed", "restored", "kept", "gone")


def store_choices(choices: RevertChoices) -> dict[str, Any]:
    """What is stored of choices: all but the values of the change log, which ``read_choices`` reads from there."""
    records = [_store_record(each, choices.kept_by_discard) for each in choices.page.object_list]
    return {
        "etag": choices.etag,
        "keeping": _store_report(choices.keeping),
        "discarding": _store_report(choices.discarding),
        "edits": choices.edits,
        "count": choices.page.paginator.count,
        "first": max(choices.page.start_index() - 1, 0),
        "records": records,
    }


def read_choices(
    stored: Mapping[str, Any], *, organization_id: int, import_id: int, page_number: object, page_size: int
) -> RevertChoices:
    """The choices, with a page of the stored records."""
    records: Part[dict[str, Any]] = Part(stored["count"], stored["first"], stored["records"])
    page: Page[Any] = Paginator(records, page_size).get_page(page_number)  # type: ignore[arg-type]
    shown = {record["change"]: record for record in page.object_list}
    logged = (
        Change.objects.of_import(organization_id=organization_id, import_id=import_id)
        .with_ids(shown)
        .in_bulk(list(shown))
    )
    page.object_list = [_read_record(logged[pk], record) for pk, record in shown.items() if pk in logged]
    return RevertChoices(
        etag=stored["etag"],
        keeping=UndoReport(**stored["keeping"]),
        discarding=UndoReport(**stored["discarding"]),
        edits=stored["edits"],
        page=page,
        kept_by_discard={pk: record["discard"] for pk, record in shown.items() if record["discard"] is not None},
    )


def _store_report(report: UndoReport) -> dict[str, Any]:
    return {name: counts for name, counts in asdict(report).items() if name in _COUNTS}


def _store_record(each: UndoChange, kept_by_discard: Mapping[int, Any]) -> dict[str, Any]:
    kept = kept_by_discard.get(each.change.pk)
    return {
        "change": each.change.pk,
        "outcome": each.outcome,
        "fields": list(each.fields),
        "kept_fields": each.change.kept_fields,
        "discard": None if kept is None else list(kept),
        "conflicts": [_store_conflict(conflict) for conflict in each.conflicts],
    }


def _store_conflict(conflict: Conflict) -> dict[str, Any]:
    return {
        "reason": conflict.reason.value,
        "fields": list(conflict.fields),
        "then": {name: shorten(value) for name, value in conflict.then.items()},
        "referenced_by": conflict.referenced_by,
    }


def _read_record(change: Change, record: Mapping[str, Any]) -> UndoChange:
    change.kept_fields = record["kept_fields"]
    model = find_record_model(change.record_type)
    conflicts = tuple(_read_conflict(change, model, each) for each in record["conflicts"]) if model else ()
    return UndoChange(change, record["outcome"], tuple(record["fields"]), conflicts)


def _read_conflict(change: Change, model: Any, stored: Mapping[str, Any]) -> Conflict:
    referenced_by = stored["referenced_by"]
    return Conflict(
        model,
        change.record_id,
        change.row,
        Reason(stored["reason"]),
        tuple(stored["fields"]),
        stored["then"],
        referenced_by=None if referenced_by is None else (referenced_by[0], referenced_by[1]),
    )
