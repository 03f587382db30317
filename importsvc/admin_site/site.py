"""The admin site: its home page and its search."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from unfold.dataclasses import SearchResult
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from importsvc.admin_site import second_factor
from importsvc.admin_site.navigation import get_searched_models
from importsvc.admin_site.search import FOUND_AT_ONCE, search_records
from importsvc.guessing.services import count_failure, count_for_address, count_for_pair, find_wait, forget_failures

# Of the attempts that are counted.
_KIND = "login"

_INVALID_LOGIN = "Please enter the correct username and password of a staff account, and its code if it has one."


class LoginForm(AuthenticationForm):
    """The form of the login page, which checks no password after too many failures."""

    error_messages: dict[str, Any]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if second_factor.is_offered():
            help_text = "Of your authenticator app; leave it empty if you have not set one up."
            self.fields["code"] = second_factor.CodeField(required=False, help_text=help_text)
            # Of any of the three: that a code is wrong does not tell that the password is right.
            self.error_messages = {**self.error_messages, "invalid_login": _INVALID_LOGIN}

    def clean(self) -> dict[str, Any]:
        """The name, the password and the code, which are right."""
        if wait := getattr(self.request, "login_wait", 0):
            minutes = math.ceil(wait / 60)
            unit = "minute" if minutes == 1 else "minutes"
            raise ValidationError(f"Too many attempts have failed. Try again in {minutes} {unit}.")
        cleaned = super().clean()
        user = self.get_user() if second_factor.is_offered() else None
        if user and not second_factor.verify_login(user, cleaned.get("code", "")):
            raise self.get_invalid_login_error()
        return cleaned


class AdminSite(UnfoldAdminSite):
    """The site of all admin pages; ``importsvc.admin_site.appearance`` has its settings."""

    index_title = "Administration"
    index_template = "imports/home.html"
    login_form = LoginForm
    login_template = "admin_site/login.html"

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the user is staff, with a second factor where that is needed."""
        return super().has_permission(request) and second_factor.is_satisfied(request)

    def admin_view(self, view: Callable[..., HttpResponse], cacheable: bool = False) -> Callable[..., HttpResponse]:
        """The view for staff; without a second factor where one is required, only logging out is possible."""
        inner, is_staff = super().admin_view(view, cacheable), super().has_permission

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if is_staff(request):
                if request.path == reverse("admin:logout"):
                    return view(request, *args, **kwargs)
                if second_factor.must_set_up(request):
                    return redirect("admin:second_factor")
            return inner(request, *args, **kwargs)

        return update_wrapper(guarded, inner)

    def extra_urls(self) -> list[URLPattern]:
        """The pages beside those of Django and of the theme."""
        return [path("second-factor/", self.show_second_factor, name="second_factor")]

    @method_decorator(never_cache)
    def show_second_factor(self, request: HttpRequest) -> HttpResponse:
        """The page that sets up a second factor, which is served before there is one."""
        if not second_factor.is_offered():
            raise Http404
        is_staff = super().has_permission(request)
        if not is_staff or not (second_factor.is_satisfied(request) or second_factor.must_set_up(request)):
            return redirect_to_login(request.path, reverse("admin:login"))
        sidebar = self.get_sidebar_list(request)
        context = {**self.each_context(request), "has_permission": True, "sidebar_navigation": sidebar}
        return second_factor.serve_page(request, context)

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
            results += map(_describe, search_records(self, request, model, term))
        context = {
            "results": results,
            "page_obj": Paginator(results, FOUND_AT_ONCE),
            "page_counter": 0,
            "execution_time": time.monotonic() - started,
            "command_show_history": False,
        }
        headers = {"HX-Trigger": "search"}
        return TemplateResponse(request, "unfold/helpers/command_results.html", context, headers=headers)


def _describe(record: Any) -> SearchResult:
    options, organization = record._meta, getattr(record, "organization", None)
    return SearchResult(
        title=str(record),
        description=f"{options.verbose_name} of {organization}" if organization else str(options.verbose_name),
        link=reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[record.pk]),
        icon="data_object",
    )
