"""What services refuse, in sentences for people."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from csp.decorators import csp
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat

from importsvc.error_pages import TEXTS, Text
from importsvc.errors import DomainError, PreconditionFailed
from importsvc.imports.formatting import describe_detail
from importsvc.wizard.policy import OF_ALL

_TEXTS = {
    **{status: TEXTS[status] for status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)},
    HTTPStatus.CONFLICT: Text("This is not possible now", ""),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Text("This file is too large", ""),
    HTTPStatus.SERVICE_UNAVAILABLE: Text("Please try again in a moment", ""),
}
OUTDATED = "Something has changed since this page was opened. This is how it is now; please look at it again."


def render_refusal(request: HttpRequest, status: int, error: DomainError | None = None) -> HttpResponse:
    """A page that says why there is nothing else to see, with a way on."""
    title, detail = _TEXTS[HTTPStatus(status)]
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
