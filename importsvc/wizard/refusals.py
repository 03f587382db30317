"""What services refuse, in sentences for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from csp.decorators import csp
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat

from importsvc.errors import DomainError, PreconditionFailed
from importsvc.wizard.policy import OF_ALL

_TITLES = {
    403: ("You may not open this page", "Your account has no permission for it. An administrator can grant it."),
    404: ("There is no such page", "It may have been removed, or the address is not complete."),
    409: ("This is not possible now", ""),
    413: ("This file is too large", ""),
    503: ("Please try again in a moment", ""),
}
OUTDATED = "Something has changed since this page was opened. This is how it is now; please look at it again."

# Of the errors of rows so many are listed.
LISTED = 5


def render_refusal(request: HttpRequest, status: int, error: DomainError | None = None) -> HttpResponse:
    """A page that says why there is nothing else to see, with a way on."""
    title, detail = _TITLES[status]
    if status == 413:
        detail = (
            f"At most {filesizeformat(settings.MAX_BODY_BYTES)} can be uploaded. Split the file, and upload its parts."
        )
    sentences = [detail] if error is None else describe(error)
    context = {"title": title, "sentences": sentences}
    respond: Any = csp(OF_ALL)(lambda request: render(request, "wizard/refusal.html", context, status=status))
    response: HttpResponse = respond(request)
    if error and error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def describe(error: DomainError) -> list[str]:
    """An error in sentences: each of those that it stands for, or of its rows the first ones."""
    if isinstance(error, PreconditionFailed):
        return [OUTDATED]
    return [sentence for each in error.each for sentence in describe_detail(each.detail, each.attribute)]


def describe_stored(errors: Iterable[Mapping[str, Any]]) -> list[str]:
    """The stored errors of an operation in sentences."""
    return [sentence for error in errors for sentence in describe_detail(error["detail"], error["attribute"])]


def describe_detail(detail: str | Mapping[str, Any], attribute: str | None = None) -> list[str]:
    """A detail of an error in sentences. One that goes on after its attribute begins with a small letter."""
    if isinstance(detail, Mapping):
        return _describe_rows(detail)
    if detail[:1].islower() and attribute:
        name = attribute.rpartition("/")[2].replace("_", " ")
        detail = f"{name.capitalize()} {detail}"
    return [detail if detail.endswith((".", "!", "?")) else f"{detail}."]


def _describe_rows(detail: Mapping[str, Any]) -> list[str]:
    rows = [(name, row) for name, of_type in detail.items() for row in of_type]
    sentences = [f"{name.capitalize()} row {row['row']}: {'; '.join(row['messages'])}." for name, row in rows[:LISTED]]
    if len(rows) > LISTED:
        sentences.append(f"{len(rows) - LISTED} more rows have errors.")
    return sentences
