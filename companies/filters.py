"""Filters of companies (contract, section 2.6)."""

from functools import partial

from django_filters import FilterSet

from importsvc.changelog.selectors import select_created
from importsvc.jsonapi.request.filters import ExactTextFilter, IdFilter, RelatedIdFilter, TextFilter


class CompanyFilterSet(FilterSet):
    """``filter[id]``, ``filter[name]``, ``filter[external_id]`` and ``filter[import_id]``."""

    id = IdFilter()
    name = TextFilter()
    external_id = ExactTextFilter()
    import_id = RelatedIdFilter(related=partial(select_created, "company"))
