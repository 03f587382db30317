"""Filters of people (contract, section 2.6)."""

from functools import partial

from django_filters import FilterSet

from importsvc.changelog.selectors import select_created
from importsvc.jsonapi.request.filters import ExactTextFilter, IdFilter, RelatedIdFilter, TextFilter


class PersonFilterSet(FilterSet):
    """``filter[id]``, ``filter[email]``, ``filter[external_id]``, ``filter[company_id]`` and ``filter[import_id]``."""

    id = IdFilter()
    email = TextFilter()
    external_id = ExactTextFilter()
    company_id = IdFilter()
    import_id = RelatedIdFilter(related=partial(select_created, "person"))
