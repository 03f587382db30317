"""The choices on the page that reverts one import: what each conflict policy would do, and the conflicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.paginator import Page
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from importsvc.imports.admin.conflicts import ShownConflict, show_conflicts
from importsvc.imports.admin.queued_reverts import request_revert_preview
from importsvc.imports.admin.work_progress import WorkProgress, describe_work
from importsvc.imports.formatting import POLICIES, describe_counts, describe_planned_revert
from importsvc.imports.models import Import
from importsvc.imports.selectors import read_staged_size
from importsvc.imports.services import (
    OnConflict,
    Previewed,
    RevertChoices,
    UndoReport,
    preview_choices,
    read_stored_choices,
    takes_long,
)
from importsvc.operations.models import Status
from importsvc.operations.selectors import OperationStatus

CONFLICTS_PAGE_SIZE = 50

# What a worker does before there is a choice.
COMPARING = "Comparing all records with what the import wrote"

_EXPLANATIONS: dict[OnConflict, str] = {
    "keep": "Values that were changed since the import stay as they are now, and so do records that it created and "
    "that were changed or are referred to since.",
    "discard": "Values that were changed since the import are overwritten. Only records that something else refers to, "
    "and values that cannot be restored, are kept.",
}


class ConflictForm(forms.Form):
    """The choice of a conflict policy; the safe one is chosen at first."""

    on_conflict = forms.ChoiceField(choices=list(POLICIES.items()), initial="keep", widget=forms.RadioSelect)


@dataclass(frozen=True)
class Choice:
    """A conflict policy with what it would do, in words, and the label of the button that does it."""

    policy: OnConflict
    title: str
    explanation: str
    does: str
    button: str
    is_chosen: bool


@dataclass(frozen=True)
class ChoicePage:
    """What the page shows of an import that can be reverted.

    Attributes:
        etag: of the preview that the choices are made of.
        does: what a revert would do if there is nothing to choose.
        button: the label of the button in that case.
        choices: empty without conflicts.
        conflicts: on this page, and ``page`` is its place among all.
    """

    etag: str
    does: str
    button: str
    choices: Sequence[Choice]
    conflicts: Sequence[ShownConflict]
    page: Page[Any]


def read_choices(request: HttpRequest, import_: Import, *, chosen: str = "") -> ChoicePage | WorkProgress:
    """The choices for an import and the page of its conflicts that the query ``conflicts_page`` names.

    A worker finds them out for a large import. The policy ``chosen`` is chosen, or that of the query, or the safe one.

    Raises:
        DomainError: the import cannot be reverted; see ``preview_choices``.
    """
    size = read_staged_size(organization_id=import_.organization_id, import_id=import_.pk)
    number = request.GET.get("conflicts_page")
    page: dict[str, Any] = {"page_number": number, "page_size": CONFLICTS_PAGE_SIZE}
    if takes_long(size):
        requested = request_choices(import_, number)
        if requested.status != Status.SUCCEEDED:
            return describe_progress(import_, requested, number)
        found = read_stored_choices(requested.operation, **page)
    else:
        found = preview_choices(organization=import_.organization, import_id=import_.pk, **page)
    return _make_page(request, import_, found, chosen)


def request_choices(import_: Import, page_number: object) -> OperationStatus:
    """The operation that finds out the choices of a large import.

    Raises:
        WrongState, ImportPruned: the import cannot be reverted.
    """
    return request_revert_preview(import_, Previewed.CHOICES, page_number=page_number, page_size=CONFLICTS_PAGE_SIZE)


def describe_progress(import_: Import, found: OperationStatus, page_number: str | None) -> WorkProgress:
    """How far a worker is."""
    url = reverse("admin:imports_import_choices", args=[import_.pk])
    query = urlencode({"conflicts_page": page_number}) if page_number else ""
    return describe_work(
        found,
        title=COMPARING,
        url=f"{url}?{query}" if query else url,
        then="You see then what a revert would do, and decide. Nothing is changed until then.",
    )


def _make_page(request: HttpRequest, import_: Import, found: RevertChoices, chosen: str) -> ChoicePage:
    chosen = chosen or request.GET.get("on_conflict", "")
    has_conflicts = bool(found.page.paginator.count)
    return ChoicePage(
        etag=found.etag,
        does=describe_planned_revert(found.keeping),
        button=f"Revert import {import_.pk}",
        choices=_make_choices(import_, found, chosen) if has_conflicts else (),
        conflicts=show_conflicts(request, found.page.object_list, found.kept_by_discard),
        page=found.page,
    )


def _make_choices(import_: Import, found: RevertChoices, chosen: str) -> list[Choice]:
    edits = f"{found.edits} edit{'' if found.edits == 1 else 's'}"
    reports: dict[OnConflict, UndoReport] = {"keep": found.keeping, "discard": found.discarding}
    return [
        Choice(
            policy=policy,
            title=POLICIES[policy],
            explanation=_EXPLANATIONS[policy],
            does=describe_planned_revert(report),
            button=f"Revert import {import_.pk}, {_describe_what_stays(policy, edits if found.edits else '', report)}",
            is_chosen=(policy == "discard") == (chosen == "discard"),
        )
        for policy, report in reports.items()
    ]


def _describe_what_stays(policy: OnConflict, edits: str, report: UndoReport) -> str:
    """What a button says of the edits, or of the records that are kept if there are no edits."""
    if edits:
        return f"keep {edits}" if policy == "keep" else f"discard {edits}"
    return f"keep {describe_counts(report.kept)}"
