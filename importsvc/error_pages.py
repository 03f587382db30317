"""Pages for browsers whose request fails outside of the API: what happened, what to do, and a way back.

They are in the look of the start page. No page needs a session or the database: both may be what has failed. Outside of
the API there are only pages, whatever the ``Accept`` header asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from csp.decorators import csp
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse

from importsvc.http import WIZARD_PREFIX, find_wizard_organization
from importsvc.logs.context import get_log_fields
from importsvc.pages import OF_ALL


class Text(NamedTuple):
    """What happened, and what to do."""

    title: str
    advice: str


TEXTS = {
    HTTPStatus.BAD_REQUEST: Text("The request could not be read", "Go back, reload the page, and try again."),
    HTTPStatus.FORBIDDEN: Text(
        "You may not open this page",
        "Your account has no permission for it. An administrator can grant it; or log in with another account.",
    ),
    HTTPStatus.NOT_FOUND: Text(
        "There is no such page", "It may have been removed, or the address is not complete. Check the address."
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: Text(
        "Something went wrong on our side", "Try again. If it happens again, tell the operators of the service."
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: Text(
        "The service cannot be used right now", "Its database does not respond. Try again in a few seconds."
    ),
}
_FORM_REFUSED = Text(
    "The form was not accepted",
    "It was opened before you logged in or out, or your browser keeps no cookies of this site. Go back, reload the"
    " page, and send the form again.",
)


def show_error(request: HttpRequest, status: int, *, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """The page of a status: 400, 403, 404, 500 or 503. That of 500 has the id of the request, if there is one."""
    return _show(request, status, TEXTS[HTTPStatus(status)], headers)


def show_form_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """``CSRF_FAILURE_VIEW``: the page for a form without the secret of the browser's session; 403."""
    return _show(request, HTTPStatus.FORBIDDEN, _FORM_REFUSED)


def _show(request: HttpRequest, status: int, text: Text, headers: Mapping[str, str] | None = None) -> HttpResponse:
    request_id = get_log_fields().get("request_id") if status == HTTPStatus.INTERNAL_SERVER_ERROR else None
    context = {"text": text, "request_id": request_id, "imports_url": _find_imports(request)}
    # Without the request: the variables that settings add to templates may read the session.
    content = render_to_string("pages/error.html", context)
    respond: Any = csp(OF_ALL)(lambda _: HttpResponse(content, status=int(status), headers=headers))
    response: HttpResponse = respond(request)
    return response


def _find_imports(request: HttpRequest) -> str | None:
    """The URL of the imports that a page of the wizard belongs to; ``None`` for other pages."""
    if not request.path_info.startswith(WIZARD_PREFIX):
        return None
    organization_id = find_wizard_organization(request.path_info)
    return reverse("wizard:history", args=[int(organization_id)]) if organization_id else reverse("wizard:start")
