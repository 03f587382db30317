"""Pagination of collections, with ``links`` and members of ``meta`` (contract, sections 1 and 2.2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, F, Func
from rest_framework.pagination import BasePagination
from rest_framework.request import Request

from importsvc.jsonapi.errors import RequestError

_POSITIVE = re.compile(r"0*[1-9][0-9]*")


class _IsAnyOf(Func):
    """Whether a value is in an array.

    PostgreSQL evaluates the array once. A subquery with ``IN`` it may evaluate again for each record, if its statistics
    were taken during an import and miss the records of that.
    """

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()


class PageNumberPagination(BasePagination):
    """``page[number]`` and ``page[size]``. A size over the maximum is served as the maximum."""

    page_size = 30
    max_page_size = 200

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        """The records of the requested page, as a queryset; none if it is past the end.

        ``queryset`` has all records of the list, in order; ``view.get_queryset()`` all that the caller may read.

        Raises:
            RequestError: a page parameter is not a positive integer.
        """
        start = self.open(request, lambda: queryset.order_by().count())
        if self.number > self.pages:
            return queryset.none()
        if not start:
            return queryset[: self.size]
        # The ids first, from an index: otherwise PostgreSQL reads and joins all records before the page.
        ids = ArraySubquery(queryset.values("pk")[start : start + self.size])
        return view.get_queryset().filter(_IsAnyOf(F("pk"), ids)).order_by(*queryset.query.order_by)

    def paginate_sliced(self, items: Any, request: Request, *, count: int) -> Any:
        """The items of the requested page, as a slice of ``items``; none if it is past the end.

        Raises:
            RequestError: a page parameter is not a positive integer.
        """
        start = self.open(request, lambda: count)
        return items[start : start + self.size] if self.number <= self.pages else []

    def open(self, request: Request, count: Callable[[], int]) -> int:
        """Read the page parameters and count the items; return the number of items before the page.

        Raises:
            RequestError: a page parameter is not a positive integer. ``count`` has not been called.
        """
        self.request = request
        self.number = _read_positive(request, "page[number]", 1)
        self.size = min(_read_positive(request, "page[size]", self.page_size), self.max_page_size)
        self.count = count()
        self.pages = -(-self.count // self.size)
        return (self.number - 1) * self.size

    def get_links(self) -> dict[str, str]:
        """The ``links`` of the document."""
        links = {"first": 1, "last": max(self.pages, 1)}
        if self.number > 1:
            links["prev"] = max(min(self.number - 1, self.pages), 1)
        if self.number < self.pages:
            links["next"] = self.number + 1
        return {name: self.link(number) for name, number in links.items()}

    def get_figures(self) -> dict[str, int]:
        """The members of ``meta`` about the page."""
        return {
            "current_page": self.number,
            "total_pages": self.pages,
            "total_count": self.count,
            "page_size": self.size,
            "max_page_size": self.max_page_size,
        }

    def link(self, number: int) -> str:
        """The absolute URL of a page of this collection, with all parameters of the request sorted by name."""
        parameters = dict(self.request.query_params.lists())
        parameters["page[number]"] = [str(number)]
        parameters["page[size]"] = [str(self.size)]
        query = urlencode(sorted(parameters.items()), doseq=True)
        return self.request.build_absolute_uri(f"{self.request.path}?{query}")


def _read_positive(request: Request, name: str, default: int) -> int:
    value = request.query_params.get(name)
    if value is None:
        return default
    # Python refuses to convert thousands of digits.
    if not _POSITIVE.fullmatch(value) or len(value) > 100:
        raise RequestError("invalid_page", f"'{name}' must be a positive integer", parameter=name)
    return int(value)
