"""``/import/<organization>/imports/<import>/preview``: what running an import would do, field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from importsvc.changelog.models import UPDATED
from importsvc.http import slots
from importsvc.imports import selectors, services
from importsvc.imports.formatting import describe_counts
from importsvc.imports.models import Import
from importsvc.imports.services import ImportPreview, PlannedChange, Previewed, StoredRun
from importsvc.operations.models import Status
from importsvc.text.display import describe_value, printable
from importsvc.wizard.access import Access, with_access
from importsvc.wizard.imports import find_import, lead_on
from importsvc.wizard.operations import describe_progress, respond_to_poll
from importsvc.wizard.outcomes import count_outcomes
from importsvc.wizard.refusals import describe
from importsvc.wizard.work import is_large

PAGE_SIZE = 25
# Characters of a value that are shown.
_SHOWN = 200


@dataclass(frozen=True)
class ShownChange:
    """A change that there would be: the record by its name, and of each field the values before and after."""

    record_type: str
    row: int
    is_update: bool
    name: str
    fields: list[tuple[str, str, str]]
    is_created_again: bool


@with_access
@require_safe
def show_preview(request: HttpRequest, access: Access, import_id: int) -> HttpResponse:
    """The numbers of records, a page of the changes, and the button that imports exactly that.

    Of a large import a worker finds them out, and the page shows how far it is until then.
    """
    import_ = find_import(access, import_id)
    if elsewhere := lead_on(access, import_):
        return elsewhere
    size = selectors.read_staged_size(organization_id=access.organization.pk, import_id=import_id)
    if services.takes_long(size):
        found = services.request_preview(
            organization=access.organization,
            creator=access.creator,
            import_id=import_id,
            previewed=Previewed.RUN,
            page_number=request.GET.get("page"),
            page_size=PAGE_SIZE,
        )
        if "HX-Request" in request.headers:
            return respond_to_poll(request, access, found)
        if found.status != Status.SUCCEEDED:
            waiting = {"access": access, "import": import_, "step": "preview", "progress": describe_progress(found)}
            return render(request, "wizard/previewing.html", waiting)
        return _render(request, access, import_, services.read_run(found.operation))
    with ExitStack() as stack:
        if is_large(size):
            stack.enter_context(slots.SLOTS.take(access.organization.pk, is_long=True))
        return _render(
            request, access, import_, services.preview_import(organization=access.organization, import_id=import_id)
        )


def _render(request: HttpRequest, access: Access, import_: Import, preview: ImportPreview | StoredRun) -> HttpResponse:
    changes: Any = preview.changes
    page = Paginator(changes, PAGE_SIZE).get_page(request.GET.get("page"))
    planned = list(page.object_list)
    written = {name: of_type["created"] + of_type["updated"] for name, of_type in preview.counts.items()}
    without_key = {name: count for name, count in (preview.without_key or {}).items() if count}
    context = {
        "access": access,
        "import": import_,
        "step": "preview",
        "outcomes": count_outcomes(preview.counts),
        "written": describe_counts(written),
        "has_written": any(written.values()),
        "left_out": sum(of_type.get("refused", 0) for of_type in preview.counts.values()),
        "without_key": describe_counts(without_key) if without_key else "",
        "sentences": describe(preview.refusal) if preview.refusal else [],
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number),
        "changes": _describe_changes(access, planned),
        "etag": preview.etag,
    }
    return render(request, "wizard/preview.html", context)


def _describe_changes(access: Access, planned: Sequence[PlannedChange]) -> list[ShownChange]:
    names = _find_names(access, planned)
    shown = []
    for change in planned:
        before = change.before or {}
        # Of a created record the values that say something.
        given = {name: value for name, value in change.after.items() if name in before or value not in (None, [], {})}
        fields = [(_label(name), _show(before.get(name)), _show(value)) for name, value in given.items()]
        type_name = change.importable.name
        shown.append(
            ShownChange(
                record_type=type_name,
                row=change.row,
                is_update=change.action == UPDATED,
                name=names.get((type_name, change.record_id), ""),
                fields=fields,
                is_created_again=change.without_key,
            )
        )
    return shown


def _find_names(access: Access, planned: Sequence[PlannedChange]) -> dict[tuple[str, int | None], str]:
    """The names of the records that exist, one query for each type."""
    ids: dict[str, list[int]] = {}
    for change in planned:
        if change.record_id is not None:
            ids.setdefault(change.importable.name, []).append(change.record_id)
    names: dict[tuple[str, int | None], str] = {}
    for type_name, of_type in ids.items():
        model = services.find_record_model(type_name)
        if model is not None:
            records: Any = model._default_manager.filter(organization=access.organization).in_bulk(of_type)
            names.update({(type_name, record_id): str(record) for record_id, record in records.items()})
    return names


def _label(column: str) -> str:
    return column.removesuffix("_id").replace("_", " ")


def _show(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping) and value.keys() == {"type", "row"}:
        return f"{value['type']} of row {value['row']}"
    return printable(describe_value(value), _SHOWN)
