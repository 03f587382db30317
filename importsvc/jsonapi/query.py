"""Query parameters are checked before anything else is done: what an endpoint does not support is refused (2.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rest_framework.request import Request
from rest_framework_json_api.utils import get_included_resources

from importsvc.jsonapi.errors import RequestError
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
                if path not in set(include_paths(view.get_serializer_class())):
                    _refuse("include", f"Include '{printable(path)}'", parameter)
        elif family == "fields" and match and not is_array:
            _check_fields(view.get_serializer_class(), member, _items(values), parameter)
        elif not (family == "page" and is_list and not is_array and member in _PAGE_MEMBERS):
            _refuse("parameter", f"Parameter '{printable(parameter)}'", parameter)
        if family in {"sort", "include", "fields", "page"} and len(values) > 1:
            raise RequestError(
                "unsupported_parameter", f"Parameter '{printable(parameter)}' is given twice", parameter=parameter
            )


def read_include(request: Request, serializer_class: Any) -> list[str] | None:
    """The paths to include: those asked for, or else those that the resource has without asking, ``None`` if none."""
    if "include" in request.query_params:
        return _items(request.query_params.getlist("include"))
    return get_included_resources(request, serializer_class) or None


def include_paths(serializer_class: Any, prefix: str = "") -> Iterator[str]:
    """Every path that ``include`` may name for this resource."""
    for name, related in serializer_class.included_serializers.items():
        yield prefix + name
        yield from include_paths(related, f"{prefix}{name}.")


def _reachable_serializers(serializer_class: Any) -> Iterator[Any]:
    yield serializer_class
    for related in serializer_class.included_serializers.values():
        yield from _reachable_serializers(related)


def _items(values: list[str]) -> list[str]:
    """The items of a comma list. An empty value has none; between commas there must be something."""
    text = ",".join(values)
    return text.split(",") if text else []


def _check_fields(serializer_class: Any, resource_type: str, names: list[str], parameter: str) -> None:
    for candidate in _reachable_serializers(serializer_class):
        if candidate.Meta.resource_name == resource_type:
            known = {name for name, field in candidate().fields.items() if not field.write_only and name != "id"}
            for name in names:
                if name not in known:
                    _refuse("parameter", f"Field '{printable(name)}' of '{resource_type}'", parameter)
            return
    _refuse("parameter", f"Parameter '{printable(parameter)}'", parameter)


def _refuse(what: str, named: str, parameter: str) -> None:
    raise RequestError(f"unsupported_{what}", f"{named} is not supported on this endpoint", parameter=parameter)
