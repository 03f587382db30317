"""Access to the pages: for which organization, in whose name, and for which types of records."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate
from urllib.parse import urlencode, urlsplit

from csp.decorators import csp
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from importsvc.admin_site import second_factor
from importsvc.errors import DomainError, RecordNotFound
from importsvc.http import get_content_length, slots
from importsvc.import_sessions.browser import SessionMissing, find_link_session, show_refusal
from importsvc.import_sessions.models import ImportSession
from importsvc.import_sessions.services import LinkRefused
from importsvc.imports.actors import Actor
from importsvc.wizard.creators import CreatorNeeded, find_creator
from importsvc.wizard.policy import make_policy
from importsvc.wizard.refusals import render_refusal
from organizations.models import Organization
from people.models import Person

# Staff with both may import files; reverting takes a permission of its own.
PERMISSIONS = ("imports.view_import", "imports.add_import")
REVERT_PERMISSION = "imports.revert_import"

# On a colour of this relative luminance black and white text have the same contrast.
_EVEN_LUMINANCE = 0.179


@dataclass(frozen=True)
class Access:
    """The use of the pages for one organization.

    Attributes:
        organization: the only one whose data the pages show and change.
        creator: the person in whose name files and imports are created.
        actor: stored with what is run and reverted.
        types: the record types that may be imported; empty for all.
        mapping: the id of the saved mapping that is used for every file; ``None`` for what is proposed.
        return_url: where "Back to …" leads; empty for no such link.
        theme_color: ``#rrggbb``, or empty for the colours of the service.
        frame_origin: the origin whose pages have the pages in a frame; empty if there is none.
        may_revert: whether imports may be reverted.
    """

    organization: Organization
    creator: Person
    actor: Actor
    types: tuple[str, ...] = ()
    mapping: int | None = None
    return_url: str = ""
    theme_color: str = ""
    frame_origin: str = ""
    may_revert: bool = True

    @property
    def on_theme_color(self) -> str:
        """The colour of text on the theme colour: black or white, of which one always has the contrast of WCAG AA."""
        return "#000000" if _measure_luminance(self.theme_color) > _EVEN_LUMINANCE else "#ffffff"


def _measure_luminance(color: str) -> float:
    """The relative luminance of ``#rrggbb`` (WCAG 2.2)."""
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue))
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


class LoginNeeded(Exception):
    """The request has no session that gives access."""


def find_access(request: HttpRequest, organization_id: int) -> Access:
    """The access that the session of a request gives to an organization; that of a link comes before one of staff.

    Raises:
        LoginNeeded: there is no such session.
        LinkRefused: there was one of a link, which has ended, and there is none of staff.
        CreatorNeeded: a member of staff has not chosen a person of the organization yet.
        PermissionDenied: the session gives no access to these pages.
        Http404: there is no such organization.
    """
    try:
        session = find_link_session(request, organization_id)
    except LinkRefused:
        if not admin.site.has_permission(request):
            raise
        session = None
    return _make_access_of_link(session) if session else _find_access_of_staff(request, organization_id)


def require_staff(request: HttpRequest) -> None:
    """Check that the session is one of staff with its second factor, and with the permission to import.

    Raises:
        LoginNeeded, PermissionDenied: it is not.
    """
    if not admin.site.has_permission(request):
        raise LoginNeeded
    if not request.user.has_perms(PERMISSIONS):
        raise PermissionDenied


def _find_access_of_staff(request: HttpRequest, organization_id: int) -> Access:
    require_staff(request)
    organization = Organization.objects.filter(pk=organization_id).first()
    if organization is None:
        raise Http404
    return Access(
        organization=organization,
        creator=find_creator(request, organization),
        actor=Actor("staff", request.user.get_username(), request.user.pk),
        may_revert=request.user.has_perm(REVERT_PERMISSION),
    )


def _make_access_of_link(session: ImportSession) -> Access:
    return Access(
        organization=session.organization,
        creator=session.person,
        actor=Actor("person", str(session.person), session.person.pk),
        types=tuple(session.record_types),
        mapping=session.import_model_id,
        return_url=session.return_url or "",
        theme_color=session.theme_color or "",
        frame_origin=session.frame_origin or "",
        may_revert=session.may_revert,
    )


View = Callable[Concatenate[HttpRequest, Access, ...], HttpResponseBase]


def with_access(view: View) -> Callable[..., HttpResponseBase]:
    """A view of an organization's page; its URL has ``organization_id``, and the view gets the ``Access``.

    The session is checked before the body of the request is read, and its CSRF token afterwards. A ``POST`` needs a
    slot of the process, as one of the API does. What services refuse, and a view does not show on its page, becomes a
    page of its own.
    """

    @functools.wraps(view)
    def guarded(request: HttpRequest, organization_id: int, **arguments: Any) -> HttpResponseBase:
        access = find_access(request, organization_id)
        if get_content_length(request.META) > settings.MAX_BODY_BYTES:
            return render_refusal(request, 413)
        request.access = access  # type: ignore[attr-defined]
        with_policy: Any = csp(make_policy(access))
        response: HttpResponseBase = csrf_protect(with_policy(_take_slot(view)))(request, access, **arguments)
        return response

    return protect(guarded)


def protect(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A view whose refusals become pages, and whose CSRF token is checked by the view itself."""

    @functools.wraps(view)
    def protected(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        try:
            return view(request, **arguments)
        except LoginNeeded:
            if request.headers.get("Sec-Fetch-Dest") == "iframe":
                return show_refusal(request, SessionMissing())
            return _ask_to_log_in(request)
        except LinkRefused as refusal:
            return _lead(request, _find_page(request)) if _is_in_background(request) else show_refusal(request, refusal)
        except CreatorNeeded as needed:
            query = urlencode({"organization": needed.organization_id, "next": _find_page(request)})
            return _lead(request, f"{reverse('wizard:start')}?{query}")
        except (Http404, RecordNotFound):
            return render_refusal(request, 404)
        except PermissionDenied:
            return render_refusal(request, 403)
        except DomainError as error:
            return render_refusal(request, 503 if error.retry_after else 409, error)

    return csrf_exempt(never_cache(protected))


def _take_slot(view: View) -> View:
    @functools.wraps(view)
    def respond(request: HttpRequest, access: Access, **arguments: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, access, **arguments)
        is_long = get_content_length(request.META) > slots.SHORT_BYTES
        with slots.SLOTS.take(access.organization.pk, is_long=is_long):
            return view(request, access, **arguments)

    return respond


def _ask_to_log_in(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    if user.is_active and user.is_staff and second_factor.must_set_up(request):
        return _lead(request, reverse("admin:second_factor"))
    response = redirect_to_login(_find_page(request), reverse("admin:login"))
    return _lead(request, response.url)


def _find_page(request: HttpRequest) -> str:
    """The page that the request is about: itself, or the one that has sent a form or a request in the background."""
    if request.method in ("GET", "HEAD") and not _is_in_background(request):
        return request.get_full_path()
    sender = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    is_own = url_has_allowed_host_and_scheme(sender, {request.get_host()}, require_https=request.is_secure())
    return urlsplit(sender)._replace(scheme="", netloc="").geturl() if is_own else reverse("wizard:start")


def _lead(request: HttpRequest, url: str) -> HttpResponse:
    """Lead the browser to another page; a request in the background would load that page into its own."""
    if _is_in_background(request):
        return HttpResponse(headers={"HX-Redirect": url})
    return redirect(url)


def _is_in_background(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers
