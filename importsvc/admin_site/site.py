"""The admin site: its home page and its search."""

from __future__ import annotations

import math
import time
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.dataclasses import SearchResult
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from importsvc.admin_site.navigation import get_searched_models
from importsvc.guessing.services import count_failure, count_for_address, count_for_pair, find_wait, forget_failures

# The number of results for each model. The lists of records have filters and pages for more.
FOUND_AT_ONCE = 10


# Of the attempts that are counted.
_KIND = "login"


class LoginForm(AuthenticationForm):
    """The form of the login page, which checks no password after too many failures."""

    def clean(self) -> dict[str, Any]:
        """The name and the password, which are right."""
        if wait := getattr(self.request, "login_wait", 0):
            minutes = math.ceil(wait / 60)
            unit = "minute" if minutes == 1 else "minutes"
            raise ValidationError(f"Too many attempts have failed. Try again in {minutes} {unit}.")
        return super().clean()


class AdminSite(UnfoldAdminSite):
    """The site of all admin pages; ``importsvc.admin_site.appearance`` has its settings."""

    index_title = "Administration"
    index_template = "imports/home.html"
    login_form = LoginForm

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The page with the form, or where the user wants to go. After too many failures, 429 and nothing is checked.

        Failures are counted for the address, and for the account at the address.
        """
        if request.method != "POST":
            return super().login(request, extra_context)
        address, account = request.META.get("REMOTE_ADDR", ""), request.POST.get("username", "").casefold()
        counters = count_for_address(_KIND, address), count_for_pair(_KIND, address, account)
        wait = find_wait(*counters)
        request.login_wait = wait  # type: ignore[attr-defined]
        response: Any = super().login(request, extra_context)
        if wait:
            response.status_code = 429
            response.headers["Retry-After"] = str(wait)
        elif response.status_code == 302:  # to where the user wants to go
            forget_failures(counters[1])
        else:
            for counter in counters:
                count_failure(counter)
        return response

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The pages, imports and records of importable types that match ``s`` and that the user may view.

        The search of django-unfold reads all matches and caches them for five minutes: new imports would be missing.
        """
        started = time.monotonic()
        term = request.GET.get("s", "").strip()
        if not term or "\0" in term:
            return HttpResponse()
        results = self._search_apps(self.get_app_list(request), term.lower())
        for model in get_searched_models():
            results += self._search_records(request, model, term)
        context = {
            "results": results,
            "page_obj": Paginator(results, FOUND_AT_ONCE),
            "page_counter": 0,
            "execution_time": time.monotonic() - started,
            "command_show_history": False,
        }
        headers = {"HX-Trigger": "search"}
        return TemplateResponse(request, "unfold/helpers/command_results.html", context, headers=headers)

    def _search_records(self, request: HttpRequest, model: type[Model], term: str) -> list[SearchResult]:
        model_admin = self.get_model_admin(model)
        if not model_admin.has_view_permission(request):
            return []
        records = model_admin.get_queryset(request).select_related("organization")
        found, _ = model_admin.get_search_results(request, records, term)
        return [_describe(model_admin, record) for record in found.order_by("-id")[:FOUND_AT_ONCE]]


def _describe(model_admin: ModelAdmin, record: Any) -> SearchResult:
    options = model_admin.opts
    return SearchResult(
        title=str(record),
        description=f"{options.verbose_name} of {record.organization}",
        link=reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[record.pk]),
        icon="data_object",
    )
