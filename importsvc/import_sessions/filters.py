"""Filters of import sessions."""

from django_filters import FilterSet

from importsvc.jsonapi.request.filters import IdFilter


class ImportSessionFilterSet(FilterSet):
    """``filter[id]``."""

    id = IdFilter()
