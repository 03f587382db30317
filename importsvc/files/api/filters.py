"""Filters of files and saved mappings."""

from django_filters import FilterSet

from importsvc.jsonapi.request.filters import IdFilter, TextFilter


class ImportFileFilterSet(FilterSet):
    """``filter[id]``."""

    id = IdFilter()


class ImportModelFilterSet(FilterSet):
    """``filter[id]`` and ``filter[name]``."""

    id = IdFilter()
    name = TextFilter()
