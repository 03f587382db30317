"""Filters of imports (contract, section 2.3) and of changes."""

from django_filters import FilterSet

from importsvc.changelog.models import Action, Change
from importsvc.imports.models import Import
from importsvc.imports.services import get_record_types
from importsvc.jsonapi.request.filters import IdFilter, NullableBooleanFilter, NumberFilter, WordFilter


class ImportFilterSet(FilterSet):
    """``filter[import_model_id]`` and ``filter[sample]``."""

    import_model_id = IdFilter()
    sample = NullableBooleanFilter()

    class Meta:
        model = Import
        fields: list[str] = []


class ChangeFilterSet(FilterSet):
    """``filter[action]``, ``filter[record_type]`` and ``filter[row]``."""

    action = WordFilter(words=lambda: Action.values)
    record_type = WordFilter(words=get_record_types)
    row = NumberFilter()

    class Meta:
        model = Change
        fields: list[str] = []
