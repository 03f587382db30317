"""``/import/``: staff choose an organization, and the person in whose name they import."""

from __future__ import annotations

from typing import Any

from csp.decorators import csp
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from importsvc.wizard.access import protect, require_staff
from importsvc.wizard.creators import keep_creator, select_creators
from importsvc.wizard.policy import OF_ALL
from organizations.models import Organization

# Organizations, and people, that are offered at once. A search finds the others.
OFFERED = 25
_LARGEST_ID = 2**63 - 1


@protect
@require_http_methods(["GET", "HEAD", "POST"])
@csp(OF_ALL)
def show_start(request: HttpRequest) -> HttpResponse:
    """``GET``: the organizations, or the people of the one that was chosen; ``POST``: keep the person, and go on."""
    require_staff(request)
    if request.method == "POST":
        response: HttpResponse = csrf_protect(_choose)(request)
        return response
    organization = _find_organization(request.GET.get("organization"))
    term = request.GET.get("q", "").replace("\0", "").strip()
    context = {
        "organization": organization,
        "term": term,
        "found": _find_organizations(term) if organization is None else _find_people(organization, term),
        "offered": OFFERED,
        "next": request.GET.get("next", ""),
    }
    return render(request, "wizard/start.html", context)


def _choose(request: HttpRequest) -> HttpResponse:
    organization = _find_organization(request.POST.get("organization"))
    if organization is None:
        raise Http404
    person = select_creators(organization).filter(pk=_read_id(request.POST.get("person"))).first()
    if person is None:
        raise Http404
    keep_creator(request, person)
    wanted = request.POST.get("next", "")
    home = reverse("wizard:history", args=[organization.pk])
    is_own = wanted.startswith(home) and url_has_allowed_host_and_scheme(wanted, None)
    return redirect(wanted if is_own else home)


def _find_organization(given: str | None) -> Organization | None:
    """The organization of this id; ``None`` if none is given."""
    if not given:
        return None
    organization = Organization.objects.filter(pk=_read_id(given)).first()
    if organization is None:
        raise Http404
    return organization


def _read_id(given: str | None) -> int:
    if not given or not given.isascii() or not given.isdigit() or int(given) > _LARGEST_ID:
        raise Http404
    return int(given)


def _find_organizations(term: str) -> Any:
    organizations = Organization.objects.all()
    if term:
        organizations = organizations.filter(Q(name__icontains=term) | _has_id(term))
    return organizations.order_by("name", "id")[: OFFERED + 1]


def _has_id(term: str) -> Q:
    is_id = term.isascii() and term.isdigit() and int(term) <= _LARGEST_ID
    return Q(pk=int(term)) if is_id else Q(pk__in=[])


def _find_people(organization: Organization, term: str) -> Any:
    people = select_creators(organization)
    for word in term.split()[:5]:
        matching = Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(email__icontains=word)
        people = people.filter(matching)
    return people.order_by("first_name", "last_name", "id")[: OFFERED + 1]
