"""The search of the home page: what a customer asks about, and the imports that wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.text import capfirst

from importsvc.admin_site.lists import find_last_imports
from importsvc.admin_site.search import FOUND_AT_ONCE, search_records
from importsvc.imports.admin.changelist import describe_made
from importsvc.imports.models import Import
from importsvc.imports.services import find_match_key, find_record_type, get_record_models
from organizations.models import Organization

SEARCH_PARAMETER = "q"


@dataclass(frozen=True)
class FoundRecord:
    """A record that a search found.

    Attributes:
        name: of the record.
        url: of its page.
        facts: that tell it from others, such as its e-mail address and its organization.
        links: the text and the URL of what the user may look at next.
    """

    name: str
    url: str
    facts: Sequence[str]
    links: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class FoundGroup:
    """The records of one model that a search found; ``url`` leads to more, and is empty if there are no more."""

    title: str
    records: Sequence[FoundRecord]
    url: str


def read_search(request: HttpRequest) -> dict[str, Any]:
    """The context of the search: ``searches``, ``term`` and, if something is searched for, ``found``.

    ``searches`` says whether the user may view anything that is searched.
    """
    models = [model for model in _list_models() if _may_view(request, model)]
    term = request.GET.get(SEARCH_PARAMETER, "").replace("\0", "").strip()
    context: dict[str, Any] = {"searches": bool(models), "term": term}
    return (
        context | {"found": [group for model in models if (group := _search(request, model, term))]}
        if term
        else context
    )


def _list_models() -> list[type[Model]]:
    return [Organization, *reversed(get_record_models()), Import]


def _search(request: HttpRequest, model: type[Model], term: str) -> FoundGroup | None:
    records = search_records(admin.site, request, model, term)
    if not records:
        return None
    last_imports = find_last_imports(records) if _may_view(request, Import) else {}
    return FoundGroup(
        title=str(capfirst(model._meta.verbose_name_plural)),
        records=[_describe(request, record, last_imports.get(record.pk)) for record in records],
        url=f"{_find_list(model)}?{urlencode({'q': term})}" if len(records) == FOUND_AT_ONCE else "",
    )


def _describe(request: HttpRequest, record: Any, last_import_id: int | None) -> FoundRecord:
    return FoundRecord(
        name=str(record),
        url=_find_page(record, "change"),
        facts=[fact for fact in _list_facts(record) if fact],
        links=list(_list_links(request, record, last_import_id)),
    )


def _list_facts(record: Any) -> Iterator[str]:
    if isinstance(record, Organization):
        return
    if isinstance(record, Import):
        yield record.state.value
        yield describe_made(record.counts) if record.counts else ""
        yield f"created {date_format(record.created_at, 'DATETIME_FORMAT')} by {record.creator}"
    elif key := find_match_key(find_record_type(type(record)) or ""):
        value = str(getattr(record, key) or "")
        yield "" if value == str(record) else value
    yield str(record.organization)


def _list_links(request: HttpRequest, record: Any, last_import_id: int | None) -> Iterator[tuple[str, str]]:
    if isinstance(record, Organization):
        models: list[type[Model]] = [Import, *reversed(get_record_models())]
        for model in models:
            if _may_view(request, model):
                title = str(capfirst(model._meta.verbose_name_plural))
                yield title, f"{_find_list(model)}?organization__id__exact={record.pk}"
    elif not isinstance(record, Import):
        yield "History", _find_page(record, "history")
        if last_import_id is not None:
            yield f"Last import: {last_import_id}", reverse("admin:imports_import_change", args=[last_import_id])


def _may_view(request: HttpRequest, model: type[Model]) -> bool:
    return admin.site.get_model_admin(model).has_view_permission(request)


def _find_list(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def _find_page(record: Model, page: str) -> str:
    return reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_{page}", args=[record.pk])
