"""Filters of companies (contract, section 2.6)."""

from functools import partial

from django_filters import FilterSet

from importsvc.changelog.selectors import select_created
from importsvc.jsonapi.request.filters import IdFilter, RelatedIdFilter, TextFilter


class CompanyFilterSet(FilterSet):
    """``filter[id]``, ``filter[name]`` and ``filter[import_id]``."""

    id = IdFilter()
    name = TextFilter()
    import_id = RelatedIdFilter(related=partial(select_created, "company"))
