"""What imports can be filtered by (contract, section 2.3)."""

from django_filters import FilterSet

from importsvc.imports.models import Import
from importsvc.jsonapi.filters import IdFilter, NullableBooleanFilter


class ImportFilterSet(FilterSet):
    """``filter[import_model_id]`` and ``filter[sample]``."""

    import_model_id = IdFilter()
    sample = NullableBooleanFilter()

    class Meta:
        model = Import
        fields: list[str] = []
