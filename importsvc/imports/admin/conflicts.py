"""The conflicts of a revert: what was changed since the import or is referred to, as a table and as a CSV file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from django.db.models import Model
from django.http import HttpRequest

from importsvc.changelog.models import CREATED
from importsvc.imports.admin.shown_records import ShownRecord, find_record_url, show_record
from importsvc.imports.record_texts import RecordTexts
from importsvc.imports.services import (
    Reason,
    UndoChange,
    find_resource_model,
    get_record_noun,
)

RECORDS_AT_ONCE = 2_000
CSV_COLUMNS = ("type", "row", "id", "name", "field", "before", "imported", "now", "conflict")


@dataclass(frozen=True)
class ConflictLine:
    """A value that was changed since, or a reference; ``what`` says what the matter is, if it is not the value now.

    ``field`` is empty for a reference, and ``url`` leads to the record that refers.
    """

    field: str = ""
    before: str = ""
    imported: str = ""
    now: str = ""
    what: str = ""
    url: str = ""


@dataclass(frozen=True)
class ShownConflict:
    """A record that the policy ``keep`` would keep, or of which it would keep values.

    Attributes:
        record: in words.
        lines: what was changed, and what refers to it.
        keeping: what ``keep`` makes of it, in words.
        discarding: what ``discard`` makes of it.
    """

    record: ShownRecord
    lines: Sequence[ConflictLine]
    keeping: str
    discarding: str


def show_conflicts(
    request: HttpRequest, found: Iterable[UndoChange], kept_by_discard: Mapping[int, Sequence[str]]
) -> list[ShownConflict]:
    """These records with their conflicts, with links to what the user may view; see ``RevertChoices``."""
    found = list(found)
    texts = _read_texts(found)
    return [_show(request, each, texts, kept_by_discard.get(each.change.pk)) for each in found]


def write_conflicts(found: Iterator[UndoChange]) -> Iterator[Sequence[str]]:
    """The rows of the CSV file, with the headers."""
    yield CSV_COLUMNS
    while part := list(islice(found, RECORDS_AT_ONCE)):
        texts = _read_texts(part)
        for each in part:
            change = each.change
            record = (get_record_noun(change.record_type), change.row, change.record_id, texts.name_record(change))
            for line in _list_lines(each, texts):
                cells = (*record, line.field, line.before, line.imported, line.now, line.what or "changed since")
                yield [str(cell) for cell in cells]


def _show(request: HttpRequest, each: UndoChange, texts: RecordTexts, kept: Sequence[str] | None) -> ShownConflict:
    change = each.change
    return ShownConflict(
        record=show_record(request, change, texts),
        lines=list(_list_lines(each, texts, request)),
        keeping=_describe_kept(each, texts, change.kept_fields or ()),
        discarding=("removed" if change.action == CREATED else "restored")
        if kept is None
        else _describe_kept(each, texts, kept),
    )


def _describe_kept(each: UndoChange, texts: RecordTexts, kept: Sequence[str]) -> str:
    """What becomes of a record of which something is kept."""
    record_type = each.change.record_type
    if each.change.action == CREATED:
        return "kept"
    labels = ", ".join(texts.label(record_type, column) for column in texts.sort_fields(record_type, kept))
    return f"{labels} kept, the rest restored" if (each.change.before or {}).keys() - set(kept) else f"{labels} kept"


def _list_lines(each: UndoChange, texts: RecordTexts, request: HttpRequest | None = None) -> Iterator[ConflictLine]:
    change, record_type = each.change, each.change.record_type
    before, after = change.before or {}, change.after or {}
    for conflict in each.conflicts:
        if conflict.referenced_by:
            yield _show_reference(*conflict.referenced_by, texts, request)
        for column in texts.sort_fields(record_type, conflict.fields):
            imported = conflict.then.get(column) if conflict.reason == Reason.CHANGED else after.get(column)
            yield ConflictLine(
                field=texts.label(record_type, column),
                before=texts.describe(record_type, column, before.get(column)),
                imported=texts.describe(record_type, column, imported),
                now=texts.describe_now(change, column),
                what=_WHAT[conflict.reason],
            )


_WHAT = {
    Reason.CHANGED: "",
    Reason.COLUMN_GONE: "the table has no such column any more",
    Reason.REFERENCE_GONE: "what it referred to before is gone",
}


def _show_reference(
    referrer: str, record_id: int | None, texts: RecordTexts, request: HttpRequest | None
) -> ConflictLine:
    model = find_resource_model(referrer)
    record = texts.find(model, record_id) if model and record_id is not None else None
    if record is None:
        return ConflictLine(what=f"{referrer}{'' if record_id is None else f' {record_id}'} refers to it")
    url = find_record_url(request, record) if request else ""
    return ConflictLine(what=f"{record} ({record._meta.verbose_name} {record.pk}) refers to it", url=url)


def _read_texts(found: Sequence[UndoChange]) -> RecordTexts:
    organization_ids = {each.change.organization_id for each in found}
    texts = RecordTexts([each.change for each in found], organization_id=next(iter(organization_ids), 0))
    ids: dict[type[Model], list[int]] = defaultdict(list)
    for each in found:
        for conflict in each.conflicts:
            referrer, record_id = conflict.referenced_by or ("", None)
            if record_id is not None and (model := find_resource_model(referrer)):
                ids[model].append(record_id)
    texts.read(ids)
    return texts
