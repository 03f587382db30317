"""Query parameters are checked first; what an endpoint does not support is refused (contract, section 2.3)."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NoReturn

from rest_framework.request import Request

from importsvc.jsonapi.document.compiled import DocumentShape, compile_document
from importsvc.jsonapi.document.resources import Resource, read_resource
from importsvc.jsonapi.errors import RequestError
from importsvc.text.display import printable

_FAMILY = re.compile(r"(filter|fields|page)\[([^\[\]]*)\](\[\])?")
_PAGE_MEMBERS = ("number", "size")


@dataclass(frozen=True)
class Listing:
    """What a list can be asked for, besides pages of it.

    Attributes:
        filterset_class: has the filters, if there are any.
        sort_fields: what it can be sorted by.
    """

    filterset_class: Any = None
    sort_fields: tuple[str, ...] = ()

    @property
    def filter_names(self) -> Collection[str]:
        """What it can be filtered by."""
        return self.filterset_class.base_filters if self.filterset_class else ()


def check_query(request: Request, view: Any) -> None:
    """Refuse every query parameter that this endpoint does not support.

    Only lists can be filtered, sorted and paged; every endpoint that answers with a resource supports ``include``
    and ``fields``.

    Raises:
        RequestError: naming the first parameter that is refused.
    """
    listing = view.get_listing()
    resource = view.get_resource()
    for parameter, values in request.query_params.lists():
        match = _FAMILY.fullmatch(parameter)
        family, member = (match[1], match[2]) if match else (parameter, "")
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
            raise RequestError(
                "unsupported_parameter", f"Parameter '{printable(parameter)}' is given twice", parameter=parameter
            )


def read_shape(request: Request, serializer_class: Any) -> DocumentShape:
    """The shape of the document that a request asks for by ``include`` and ``fields``, which ``check_query`` let pass.

    Without ``include`` it includes what the resource includes without asking, if anything.
    """
    asked = request.query_params.getlist("include")
    include = frozenset(_items(asked)) if asked else frozenset(read_resource(serializer_class).default_paths) or None
    return compile_document(serializer_class, include, frozenset(read_fields(request).items()))


def read_fields(request: Request) -> dict[str, frozenset[str]]:
    """The fields that a request asks for by ``fields``, which ``check_query`` let pass, by type."""
    return {
        parameter.removeprefix("fields[").removesuffix("]"): frozenset(_items(values))
        for parameter, values in request.query_params.lists()
        if parameter.startswith("fields[")
    }


def _items(values: list[str]) -> list[str]:
    """The items of a comma list. An empty value has none; between commas there must be something."""
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
