"""The session of a link in the browser that has followed it: a cookie, the key of forms, and pages in frames."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import salted_hmac

from importsvc.http import find_wizard_organization
from importsvc.import_sessions.models import ImportSession
from importsvc.import_sessions.services import LinkExpired, LinkRefused, open_import_session
from importsvc.logs.context import add_log_fields

COOKIE = "import_session"

# As long as Django's secrets of forms.
_SECRET_LENGTH = 32


class SessionMissing(LinkRefused):
    """A page in a frame has no session: browsers may refuse cookies there."""

    detail = "Your browser may keep no cookies of pages in frames. Ask for a link that opens a page of its own."


class LinkSessions:
    """Opens the session whose key a request's cookie has, for ``find_link_session``.

    In pages of such a session the secret of forms is derived from the key. The browser sends no cookie of Django's in a
    frame of another site, and a form of another session, or of staff, must not be valid in this one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response; if there is a session, without Django's cookie for forms."""
        page_of = find_wizard_organization(request.path_info)
        organization_id, _, key = request.COOKIES.get(COOKIE, "").partition(":")
        if not page_of or page_of != organization_id:
            return self._get_response(request)
        try:
            session = open_import_session(organization_id=int(organization_id), key=key)
        except LinkRefused as refusal:
            request.import_link = refusal  # type: ignore[attr-defined]
            return self._get_response(request)
        add_log_fields(organization=session.organization_id)
        request.import_link = session  # type: ignore[attr-defined]
        request.frame_origins = _find_frame_origins(session)  # type: ignore[attr-defined]
        secret = salted_hmac("importsvc.import_sessions", key, algorithm="sha256").hexdigest()[:_SECRET_LENGTH]
        request.COOKIES[settings.CSRF_COOKIE_NAME] = secret
        response = self._get_response(request)
        # It would take the place of the one that the same browser has for the admin.
        response.cookies.pop(settings.CSRF_COOKIE_NAME, None)
        if session.frame_origin:
            # Such as that of messages for the next page.
            _send_within_frames(response)
        return response


class FramePolicy(CSPMiddleware):
    """Adds ``Content-Security-Policy``, and lets origins embed the pages of sessions that are meant for that."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """As django-csp's, with the origins that may embed the page."""
        parts = super().get_policy_parts(request, response, report_only)
        if origins := getattr(request, "frame_origins", None):
            parts.replace = {**(parts.replace or {}), "frame-ancestors": origins}
        return parts

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response; the older header has no way to name an origin."""
        if getattr(request, "frame_origins", None):
            del response.headers["X-Frame-Options"]
        return super().process_response(request, response)


def find_link_session(request: HttpRequest, organization_id: int) -> ImportSession | None:
    """The session of the link that the browser has followed; ``None`` if that is none of the organization.

    Raises:
        LinkRefused: there was one, which does not work any more.
    """
    link = getattr(request, "import_link", None)
    if isinstance(link, LinkRefused):
        raise link
    return link if link and link.organization_id == organization_id else None


def remember(response: HttpResponse, session: ImportSession, key: str) -> None:
    """Give the browser the key, for the pages of the organization in the wizard.

    The cookie lasts until the browser is closed, which is longer than the session: the service then says so.
    """
    response.set_cookie(
        COOKIE,
        f"{session.organization_id}:{key}",
        path=reverse("wizard:history", args=[session.organization_id]),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    if session.frame_origin:
        _send_within_frames(response)


def show_refusal(request: HttpRequest, refusal: LinkRefused) -> HttpResponse:
    """The page that says why a link opens nothing: 410 if it has expired, otherwise 403."""
    session = refusal.session
    origins = _find_frame_origins(session) if session else settings.IMPORT_FRAME_ORIGINS
    request.frame_origins = origins  # type: ignore[attr-defined]
    status = HTTPStatus.GONE if isinstance(refusal, LinkExpired) else HTTPStatus.FORBIDDEN
    context: dict[str, Any] = {"detail": refusal.detail, "return_url": session.return_url if session else None}
    return keep_private(render(request, "import_sessions/refused.html", context, status=status))


def keep_private(response: HttpResponse) -> HttpResponse:
    """The response to a request whose URL has a key: stored nowhere, and named to no other page."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _send_within_frames(response: HttpResponse) -> None:
    """Let the response's cookies be sent in frames of pages of another site, and in those of this site only."""
    for cookie in response.cookies.values():
        # Python's cookies do not know the attribute Partitioned before 3.14.
        cookie["samesite"] = "None; Partitioned"
        cookie["secure"] = True


def _find_frame_origins(session: ImportSession) -> list[str]:
    return [origin for origin in settings.IMPORT_FRAME_ORIGINS if origin == session.frame_origin]
