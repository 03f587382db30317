"""Query parameters: those that an endpoint does not support are refused (contract, section 2.3)."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, NamedTuple, NoReturn

from rest_framework.request import Request

from importsvc.jsonapi.document.compiled import DocumentShape, compile_document
from importsvc.jsonapi.document.resources import Resource, read_resource
from importsvc.jsonapi.errors import RequestError
from importsvc.text.display import printable

_FAMILY = re.compile(r"(filter|fields|page)\[([^\[\]]*)\](\[\])?")
_PAGE_MEMBERS = ("number", "size")


class Listing(NamedTuple):
    """The query parameters that a list supports besides pages: its filters, and the names that ``sort`` may have."""

    filterset_class: Any = None
    sort_fields: tuple[str, ...] = ()

    @property
    def filter_names(self) -> Collection[str]:
        return self.filterset_class.base_filters if self.filterset_class else ()


def check_query(request: Request, view: Any) -> None:
    """Check that the endpoint supports all query parameters.

    Lists support filters, ``sort`` and pages; all endpoints with documents support ``include`` and ``fields``.

    Raises:
        RequestError: for the first parameter that is not supported.
    """
    listing, resource = view.get_listing(), view.get_resource()
    for parameter, values in request.query_params.lists():
        match = _FAMILY.fullmatch(parameter)
        family, member = (match[1], match[2]) if match else (parameter, "")
        if view.file_type:
            _refuse("parameter", f"Parameter '{printable(parameter)}'", parameter)
        is_array = bool(match and match[3])
        if family == "filter" and match:
            if listing is None or member not in listing.filter_names:
                _refuse("filter", f"Filter '{printable(member)}'", parameter)
        elif family == "sort" and not match:
            for name in _items(values):
                if listing is None or name.removeprefix("-") not in listing.sort_fields:
                    _refuse("sort", f"Sort by '{printable(name)}'", parameter)
        elif family == "include" and not match:
            for path in _items(values):
                if path not in resource.include_paths():
                    _refuse("include", f"Include '{printable(path)}'", parameter)
        elif family == "fields" and match and not is_array:
            _check_fields(resource, member, _items(values), parameter)
        elif not (family == "page" and listing is not None and not is_array and member in _PAGE_MEMBERS):
            _refuse("parameter", f"Parameter '{printable(parameter)}'", parameter)
        if family in {"sort", "include", "fields", "page"} and len(values) > 1:
            detail = f"Parameter '{printable(parameter)}' is given twice"
            raise RequestError("unsupported_parameter", detail, parameter=parameter)


def read_shape(request: Request, serializer_class: Any) -> DocumentShape:
    """The shape of the requested document, from ``include`` and ``fields``, which ``check_query`` has checked.

    Without ``include`` it has the default includes of the resource.
    """
    given = request.query_params.getlist("include")
    include = frozenset(_items(given)) if given else frozenset(read_resource(serializer_class).default_paths) or None
    return compile_document(serializer_class, include, frozenset(read_fields(request).items()))


def read_fields(request: Request) -> dict[str, frozenset[str]]:
    """The requested fields by type, from ``fields``, which ``check_query`` has checked."""
    return {
        parameter.removeprefix("fields[").removesuffix("]"): frozenset(_items(values))
        for parameter, values in request.query_params.lists()
        if parameter.startswith("fields[")
    }


def _items(values: list[str]) -> list[str]:
    """The items of comma-separated values. An empty value has no items; empty items are returned, and not valid."""
    text = ",".join(values)
    return text.split(",") if text else []


def _check_fields(resource: Resource, resource_type: str, names: list[str], parameter: str) -> None:
    shown = resource.find(resource_type)
    if shown is None:
        _refuse("parameter", f"Parameter '{printable(parameter)}'", parameter)
    for name in names:
        if name not in shown.field_names:
            _refuse("parameter", f"Field '{printable(name)}' of '{resource_type}'", parameter)


def _refuse(what: str, named: str, parameter: str) -> NoReturn:
    raise RequestError(f"unsupported_{what}", f"{named} is not supported on this endpoint", parameter=parameter)
