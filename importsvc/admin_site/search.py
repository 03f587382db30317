"""The records that the admin's searches find."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest

# The number of results for each model. The lists of records have filters and pages for more.
FOUND_AT_ONCE = 10


def search_records(site: AdminSite, request: HttpRequest, model: type[Model], term: str) -> list[Any]:
    """The latest records of a model that the search of their list finds; none if the user may not view them."""
    model_admin = site.get_model_admin(model)
    if not model_admin.has_view_permission(request):
        return []
    records = model_admin.get_queryset(request)
    if any(field.name == "organization" for field in model._meta.concrete_fields):
        records = records.select_related("organization")
    found, _ = model_admin.get_search_results(request, records, term)
    return list(found.order_by("-id")[:FOUND_AT_ONCE])
