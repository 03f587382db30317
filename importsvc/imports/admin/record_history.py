"""Imports and reverts in the history of the records that they wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from importsvc.admin_site.record_history import Event
from importsvc.imports.actor_texts import show_actor
from importsvc.imports.models import Import
from importsvc.imports.record_history import read_record_history
from importsvc.imports.record_texts import RecordTexts
from importsvc.imports.services import find_record_type
from importsvc.text.display import printable


def read_events(request: HttpRequest, record: Any) -> Iterator[Event] | None:
    """What imports and reverts did to a record; ``None`` if its type cannot be imported."""
    record_type = find_record_type(type(record))
    return None if record_type is None else _read_events(request, record, record_type)


def _read_events(request: HttpRequest, record: Any, record_type: str) -> Iterator[Event]:
    may_view = admin.site.get_model_admin(Import).has_view_permission(request)
    may_revert = may_view and request.user.has_perm("imports.revert_import")
    organization_id = record.organization_id
    history = read_record_history(organization_id=organization_id, record_type=record_type, record_id=record.pk)
    texts = RecordTexts(history.changes, organization_id=organization_id)
    for event in history.events:
        name = f"import {event.import_id}"
        url = reverse("admin:imports_import_change", args=[event.import_id]) if may_view else ""
        undo = None
        if may_revert and event.is_revertible:
            undo = (f"Revert {name}…", reverse("admin:imports_import_revert", args=[event.import_id]))
        values = _describe_values(texts, record_type, event.values)
        actor = show_actor(event.actor) if event.actor else ""
        yield Event(event.at, event.what, actor, name, url, values, undo)


def _describe_values(
    texts: RecordTexts, record_type: str, values: Mapping[str, tuple[Any, Any]]
) -> tuple[tuple[str, str, str], ...]:
    def describe(column: str, value: object) -> str:
        return printable(texts.describe(record_type, column, value)) or "–"

    return tuple(
        (texts.label(record_type, column), describe(column, values[column][0]), describe(column, values[column][1]))
        for column in texts.sort_fields(record_type, values)
    )
