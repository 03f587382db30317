"""Query parameters are checked before anything else is done: what an endpoint does not support is refused (2.3)."""

from __future__ import annotations

import re
from typing import Any, NoReturn

from rest_framework.request import Request

from importsvc.jsonapi.compiled import DocumentShape, compile_document
from importsvc.jsonapi.errors import RequestError
from importsvc.jsonapi.resources import Resource, read_resource
from importsvc.text import printable

_FAMILY = re.compile(r"(filter|fields|page)\[([^\[\]]*)\](\[\])?")
_PAGE_MEMBERS = ("number", "size")


def check_query(request: Request, view: Any) -> None:
    """Refuse every query parameter that this endpoint does not support.

    Only lists can be filtered, sorted and paged; every endpoint that answers with a resource supports ``include``
    and ``fields``.

    Raises:
        RequestError: naming the first parameter that is refused.
    """
    is_list = view.action == "list"
    resource = read_resource(view.serializer_class)
    for parameter, values in request.query_params.lists():
        match = _FAMILY.fullmatch(parameter)
        family, member = (match[1], match[2]) if match else (parameter, "")
        is_array = bool(match and match[3])
        if family == "filter" and match:
            if not is_list or member not in view.filterset_class.base_filters:
                _refuse("filter", f"Filter '{printable(member)}'", parameter)
        elif family == "sort" and not match:
            for name in _items(values):
                if not is_list or name.removeprefix("-") not in view.sort_fields:
                    _refuse("sort", f"Sort by '{printable(name)}'", parameter)
        elif family == "include" and not match:
            for path in _items(values):
                if path not in resource.include_paths():
                    _refuse("include", f"Include '{printable(path)}'", parameter)
        elif family == "fields" and match and not is_array:
            _check_fields(resource, member, _items(values), parameter)
        elif not (family == "page" and is_list and not is_array and member in _PAGE_MEMBERS):
            _refuse("parameter", f"Parameter '{printable(parameter)}'", parameter)
        if family in {"sort", "include", "fields", "page"} and len(values) > 1:
            raise RequestError(
                "unsupported_parameter", f"Parameter '{printable(parameter)}' is given twice", parameter=parameter
            )


def read_shape(request: Request, serializer_class: Any) -> DocumentShape:
    """The shape of the document that a request asks for by ``include`` and ``fields``, which ``check_query`` let pass.

    Without ``include`` it includes what the resource includes without asking, if anything.
    """
    include: frozenset[str] | None = None
    fields: dict[str, frozenset[str]] = {}
    for parameter, values in request.query_params.lists():
        if parameter == "include":
            include = frozenset(_items(values))
        elif parameter.startswith("fields["):
            fields[parameter.removeprefix("fields[").removesuffix("]")] = frozenset(_items(values))
    if include is None:
        include = frozenset(read_resource(serializer_class).default_paths) or None
    return compile_document(serializer_class, include, frozenset(fields.items()))


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
