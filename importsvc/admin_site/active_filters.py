"""The search and the filters that a list is narrowed by, in words, each with the URL of the list without it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.contrib.admin import EmptyFieldListFilter
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import BooleanField
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from importsvc.admin_site.names import SHOWN_CHARACTERS
from importsvc.text.display import printable

_YES_AND_NO = {"1": "yes", "0": "no", "True": "yes", "False": "no"}
_EMPTY_AND_SET = {"1": "empty", "0": "set"}


class ActiveFilter(NamedTuple):
    """A filter in words, and the URL of the list without it."""

    name: str
    value: str
    url: str


def find_active_filters(changelist: ChangeList) -> Iterator[ActiveFilter]:
    """The search and the filters of a list that narrow it, in the order in which the page has them.

    The name of a chosen organization or person takes a query.
    """
    if changelist.query:
        yield _make("search", changelist.query, changelist, [SEARCH_VAR])
    for spec in changelist.filter_specs:
        given = {str(name): value for name in spec.expected_parameters() if (value := _read(changelist, str(name)))}
        if given:
            yield _make(str(spec.title), _describe(spec, given), changelist, given)


def _make(name: str, value: str, changelist: ChangeList, parameters: Collection[str]) -> ActiveFilter:
    others = {key: values for key, values in changelist.filter_params.items() if key not in parameters}
    return ActiveFilter(name, printable(value, SHOWN_CHARACTERS), f"?{urlencode(others, doseq=True)}")


def _read(changelist: ChangeList, name: str) -> str:
    """The last value of a parameter of the URL; empty if there is none."""
    return str((changelist.filter_params.get(name or "") or [""])[-1])


def _describe(spec: Any, given: dict[str, str]) -> str:
    """The chosen value, as the field of the filter shows it."""
    if len(given) > 1:
        return " to ".join(given.values())
    ((parameter, value),) = given.items()
    for end in ("from", "to"):
        if parameter.endswith(f"_{end}"):
            return f"{end} {value}"
    if isinstance(spec, AutocompleteSelectFilter):
        return _find_name(spec, value)
    return str(_list_choices(spec).get(value, value))


def _list_choices(spec: Any) -> dict[str, Any]:
    if isinstance(spec, EmptyFieldListFilter):
        return _EMPTY_AND_SET
    if choices := getattr(spec, "lookup_choices", None):
        return dict(choices)
    field = getattr(spec, "field", None)
    return _YES_AND_NO if isinstance(field, BooleanField) else dict(getattr(field, "flatchoices", ()))


def _find_name(spec: Any, value: str) -> str:
    """The name of the record with this id; the value if there is none."""
    try:
        return str(spec.field.related_model._default_manager.get(pk=value))
    except (ObjectDoesNotExist, ValueError, OverflowError):
        return value
