"""Filters of files."""

from django_filters import FilterSet

from importsvc.jsonapi.request.filters import IdFilter


class ImportFileFilterSet(FilterSet):
    """``filter[id]``."""

    id = IdFilter()
