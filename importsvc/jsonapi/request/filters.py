"""``filter[…]`` and ``sort`` (contract, section 2.3), on top of django-filter.

``filter[id]=1,2``, ``filter[id][]=1&filter[id][]=2`` and ``filter[id]=1&filter[id]=2`` mean the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from importsvc.jsonapi.errors import RequestError

LARGEST_BIGINT = 2**63 - 1
LARGEST_INTEGER = 2**31 - 1


class _ValuesField(forms.Field):
    """A list of values. ``read`` converts each, or raises ``ValueError``."""

    widget = forms.MultipleHiddenInput  # reads all values of a parameter

    def __init__(self, *, read: Callable[[str], Any], separator: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.read = read
        self.separator = separator

    def clean(self, value: list[str]) -> list[Any]:
        parts = [part for text in value for part in (text.split(self.separator) if self.separator else [text])]
        try:
            return [self.read(part) for part in parts]
        except ValueError:
            raise ValidationError("not supported") from None


class ValuesFilter(django_filters.Filter):
    """Records that have one of the values in a field; all records if the request has no values."""

    field_class = _ValuesField
    separator: str | None = ","

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read=self.read, separator=self.separator, **kwargs)

    def read(self, text: str) -> Any:
        """The value of the text.

        Raises:
            ValueError: the filter does not support it.
        """
        raise NotImplementedError

    def filter(self, queryset: QuerySet[Any, Any], values: Sequence[Any]) -> QuerySet[Any, Any]:
        """The records that have one of the values, of which there is at least one; ``None`` stands for null."""
        condition = Q(**{f"{self.field_name}__in": [value for value in values if value is not None]})
        if None in values:
            condition |= Q(**{f"{self.field_name}__isnull": True})
        return queryset.filter(condition)


class IdFilter(ValuesFilter):
    """By ids. An id that is too large matches nothing, like any id that does not exist."""

    largest = LARGEST_BIGINT

    def read(self, text: str) -> int:
        """The id; 0, which no record has, for one that is too large."""
        if not (text.isascii() and text.isdecimal() and len(text) <= 100):
            raise ValueError(text)
        number = int(text)
        return number if number <= self.largest else 0


class NumberFilter(IdFilter):
    """By numbers from 1 of PostgreSQL's type integer."""

    largest = LARGEST_INTEGER


class RelatedIdFilter(IdFilter):
    """By ids in another table. ``related`` returns a subquery of record ids for them.

    Its arguments are the ids and, as keywords, the parameters of the view (``get_parameters()``).
    """

    def __init__(self, *, related: Callable[..., Any], **kwargs: Any) -> None:
        self.related = related
        super().__init__(**kwargs)

    def filter(self, queryset: QuerySet[Any, Any], values: Sequence[int]) -> QuerySet[Any, Any]:
        """The records in the subquery."""
        view: Any = self.parent.request.parser_context["view"]
        return queryset.filter(pk__in=self.related(values, **view.get_parameters()))


class NullableBooleanFilter(ValuesFilter):
    """By ``true``, ``false`` or ``null``."""

    _VALUES: ClassVar[Mapping[str, bool | None]] = {"true": True, "false": False, "null": None}

    def read(self, text: str) -> bool | None:
        """The value."""
        if text not in self._VALUES:
            raise ValueError(text)
        return self._VALUES[text]


class WordFilter(ValuesFilter):
    """By words, out of those that ``words`` returns."""

    def __init__(self, *, words: Callable[[], Collection[str]], **kwargs: Any) -> None:
        self.words = words
        super().__init__(**kwargs)

    def read(self, text: str) -> str:
        """The word."""
        if text not in self.words():
            raise ValueError(text)
        return text


class TextFilter(ValuesFilter):
    """By the whole text, case-insensitively. A comma is part of the text: several texts take several parameters."""

    separator = None

    def read(self, text: str) -> str:
        """The text."""
        if not text or "\x00" in text:
            raise ValueError(text)
        return text

    def filter(self, queryset: QuerySet[Any, Any], values: Sequence[str]) -> QuerySet[Any, Any]:
        """The records with one of the texts, folded by the database as in its indexes."""
        alias = f"_{self.field_name}_folded"
        return queryset.alias(**{alias: Lower(self.field_name)}).filter(
            **{f"{alias}__in": [Lower(Value(value)) for value in values]}
        )


class ExactTextFilter(TextFilter):
    """By the whole text; upper and lower case differ."""

    def filter(self, queryset: QuerySet[Any, Any], values: Sequence[str]) -> QuerySet[Any, Any]:
        """The records with one of the texts."""
        return ValuesFilter.filter(self, queryset, values)


class FilterBackend(BaseFilterBackend):
    """Applies the view's ``filterset_class``; ``importsvc.jsonapi.request.query`` has refused unknown filters."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any, Any], view: Any) -> QuerySet[Any, Any]:
        """The records that match all filters.

        Raises:
            RequestError: a filter does not support a value.
        """
        filterset = _make_filterset(request, queryset, view)
        return queryset if filterset is None else filterset.qs


def filter_records(request: Request, queryset: QuerySet[Any, Any], view: Any) -> QuerySet[Any, Any]:
    """The records that match all filters of the request, in no order.

    Raises:
        RequestError: a filter does not support a value.
    """
    return FilterBackend().filter_queryset(request, queryset, view)


def clean_filters(request: Request, view: Any) -> Mapping[str, Sequence[Any]]:
    """The values of the filters in the request, for lists that are no querysets.

    Raises:
        RequestError: a filter does not support a value.
    """
    filterset = _make_filterset(request, None, view)
    return {} if filterset is None else {name: filterset.form.cleaned_data[name] for name in filterset.filters}


def _make_filterset(request: Request, queryset: QuerySet[Any, Any] | None, view: Any) -> Any:
    """The valid filters of the request; ``None`` without filters."""
    given = read_filters(request.query_params)
    if not given:
        return None
    filterset = view.get_listing().filterset_class(MultiValueDict(given), queryset=queryset, request=request)
    # Only the filters in the request: django-filter would call all of them.
    filterset.filters = {name: each for name, each in filterset.filters.items() if name in given}
    if not filterset.is_valid():
        name = next(iter(filterset.errors))
        detail = f"Filter '{name}' does not support this value"
        raise RequestError("unsupported_filter_value", detail, parameter=f"filter[{name}]")
    return filterset


class SortBackend(BaseFilterBackend):
    """Applies ``sort``: comma-separated names of the view's ``sort_fields``, with ``-`` for descending; then the id."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any, Any], view: Any) -> QuerySet[Any, Any]:
        """The records in order."""
        return queryset.order_by(*read_order(request))


def read_order(request: Request) -> tuple[str, ...]:
    """The order of the records: the fields in ``sort``, then the id."""
    return (*(name for name in request.query_params.get("sort", "").split(",") if name), "id")


def read_filters(parameters: QueryDict) -> dict[str, list[str]]:
    """The values of each filter in a request, from both ``filter[name]`` and ``filter[name][]``."""
    given: dict[str, list[str]] = {}
    for parameter, values in parameters.lists():
        if parameter.startswith("filter[") and parameter.endswith("]"):
            name = parameter.removeprefix("filter[").removesuffix("[]").removesuffix("]")
            given.setdefault(name, []).extend(values)
    return given
