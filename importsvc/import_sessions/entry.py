"""The way into the wizard by a link."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from importsvc.import_sessions.browser import keep_private, remember, show_refusal
from importsvc.import_sessions.services import LinkRefused, keep_opening, open_import_session


@require_safe
def enter(request: HttpRequest, organization_id: int, key: str) -> HttpResponse:
    """``GET /import/enter/{organization_id}/{key}``: give the browser the session, and go to the wizard.

    The wizard's URLs have no key. The link works until the session ends: a page that embeds it may be reloaded.
    """
    try:
        session = open_import_session(organization_id=organization_id, key=key)
    except LinkRefused as refusal:
        return show_refusal(request, refusal)
    if request.method == "GET" and session.opened_at is None:
        keep_opening(session)
    response = keep_private(redirect("wizard:history", organization_id))
    remember(response, session, key)
    return response
