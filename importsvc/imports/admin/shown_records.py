"""A record that an import wrote, as the tables of changes and of conflicts name it."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

from importsvc.changelog.models import Change
from importsvc.imports.record_texts import RecordTexts
from importsvc.imports.services import get_record_noun


@dataclass(frozen=True)
class ShownRecord:
    """A record in words.

    Attributes:
        noun: a word for its type.
        row: that wrote it.
        id: of the record.
        name: its name; ``key`` is what rows match it by.
        url: of its page; empty if there is none that the user may view.
        is_gone: whether it is not there any more.
    """

    noun: str
    row: int
    id: int
    name: str
    key: str
    url: str
    is_gone: bool


def show_record(request: HttpRequest, change: Change, texts: RecordTexts) -> ShownRecord:
    """The record of a change, with a link if the user may view its page."""
    record = texts.find_record(change)
    return ShownRecord(
        noun=get_record_noun(change.record_type),
        row=change.row,
        id=change.record_id,
        name=texts.name_record(change),
        key=texts.find_key(change),
        url=find_record_url(request, record),
        is_gone=record is None,
    )


def find_record_url(request: HttpRequest, record: Model | None) -> str:
    """The URL of a record's page; empty if there is none that the user may view."""
    if record is None or not admin.site.is_registered(type(record)):
        return ""
    if not admin.site.get_model_admin(type(record)).has_view_permission(request, record):
        return ""
    return reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_change", args=[record.pk])
