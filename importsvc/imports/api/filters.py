"""Filters of imports (contract, section 2.3) and of changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django_filters import FilterSet

from importsvc.changelog.listing import ChangeSequence
from importsvc.changelog.models import Action, Change, ChangeQuerySet
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


def list_changes(
    import_: Import, filters: Mapping[str, Sequence[Any]], order: Sequence[str]
) -> ChangeQuerySet | ChangeSequence:
    """The changes of an import that match these filters, in this order."""
    key: dict[str, Any] = {"organization_id": import_.organization_id, "import_id": import_.pk}
    record_types, actions, rows = (filters.get(name) for name in ("record_type", "action", "row"))
    if rows is None and order[0] in ("id", "-id"):
        return ChangeSequence(**key, record_types=record_types, actions=actions, is_reversed=order[0] == "-id")
    changes = Change.objects.of_import(**key) if rows is None else Change.objects.of_import(**key).of_rows(rows)
    given = {"record_type__in": record_types, "action__in": actions}
    return changes.filter(**{name: words for name, words in given.items() if words}).order_by(*order)


class ChangeFilterSet(FilterSet):
    """``filter[action]``, ``filter[record_type]`` and ``filter[row]``."""

    action = WordFilter(words=lambda: Action.values)
    record_type = WordFilter(words=get_record_types)
    row = NumberFilter()

    class Meta:
        model = Change
        fields: list[str] = []
