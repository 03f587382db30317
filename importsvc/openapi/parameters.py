"""The parameters of operations: query parameters from what views declare, and headers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from importsvc.jsonapi.document.resources import Resource
from importsvc.jsonapi.errors import IDEMPOTENCY_KEY
from importsvc.jsonapi.request.filters import ExactTextFilter, IdFilter, NullableBooleanFilter, TextFilter, WordFilter
from importsvc.jsonapi.request.query import Listing

Parameter = dict[str, Any]

ID: Parameter = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[1-9][0-9]{0,18}$"},
}

_TAG = r'(W/)?"[!#-~]*"'
_IF_MATCH = rf"^(\*|{_TAG}(, *{_TAG})*)$"

HEADERS: dict[str, Parameter] = {
    IDEMPOTENCY_KEY: {
        "name": IDEMPOTENCY_KEY,
        "in": "header",
        "description": "A retry with the same key is not done again, and gets the stored response.",
        "schema": {"type": "string", "pattern": "^[ -~]*[!-~][ -~]*$", "maxLength": 255},
    },
    "Content-Disposition": {
        "name": "Content-Disposition",
        "in": "header",
        "description": "Names the file, unless the body is a form (RFC 6266).",
        "schema": {"type": "string"},
        "example": "attachment; filename*=UTF-8''Kunden%20M%C3%BCnchen.csv",
    },
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "description": "`*`, or ETags, one of which must be the current one.",
        "schema": {"type": "string", "pattern": _IF_MATCH},
    },
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The ETag of a response that the client has: 304 if it is still the same.",
        "schema": {"type": "string"},
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "description": "`respond-async`, or `respond-async, wait=10`: a worker does the work (RFC 7240).",
        "schema": {"type": "string"},
    },
}


def describe_query(resource: Resource, listing: Listing | None) -> Iterator[Parameter]:
    """The query parameters of an operation whose document has this resource, and is a list with ``listing``."""
    if listing:
        yield _describe_page("number", "The number of the page, from 1.", 1)
        yield _describe_page("size", "Items of a page; more than 200 are served as 200.", 30)
        if names := listing.sort_fields:
            orders = [order for name in names for order in (name, f"-{name}")]
            yield _list_of("sort", {"type": "string", "enum": orders}, "The order; `-` for descending.")
        for name, filter_ in (listing.filterset_class.base_filters if listing.filterset_class else {}).items():
            yield _describe_filter(name, filter_)
    if paths := list(resource.include_paths()):
        default = f" By default {', '.join(resource.default_paths)}." if resource.default_paths else ""
        yield _list_of("include", {"type": "string", "enum": paths}, f"Related resources to include.{default}")
    for each in {each.type: each for each in resource.walk()}.values():
        items = {"type": "string", "enum": [attribute.name for attribute in each.attributes] + list(each.relationships)}
        yield _list_of(f"fields[{each.type}]", items, "The fields to show.")


def _describe_page(name: str, description: str, default: int) -> Parameter:
    schema = {"type": "integer", "minimum": 1, "default": default}
    return {"name": f"page[{name}]", "in": "query", "description": description, "schema": schema}


def _list_of(name: str, items: dict[str, Any], description: str, *, explode: bool = False, least: int = 0) -> Parameter:
    """A list of ``least`` items or more, with commas between them, or with a parameter for each of them."""
    return {
        "name": name,
        "in": "query",
        "description": description,
        "style": "form",
        "explode": explode,
        "schema": {"type": "array", "items": items, **({"minItems": least} if least else {})},
    }


def _describe_filter(name: str, filter_: Any) -> Parameter:
    named = f"filter[{name}]"
    match filter_:
        case TextFilter():
            text = {"type": "string", "minLength": 1, "pattern": r"^[^\x00]*$"}
            case = "upper and lower case differ" if isinstance(filter_, ExactTextFilter) else "regardless of case"
            description = f"The whole text, {case}. Several parameters mean any of them."
            return _list_of(named, text, description, explode=True)  # a comma is part of the text
        case WordFilter():
            items: dict[str, Any] = {"type": "string", "enum": list(filter_.words())}
        case NullableBooleanFilter():
            items = {"type": "string", "enum": ["true", "false", "null"]}
        case IdFilter():
            items = {"type": "string", "pattern": "^[0-9]{1,100}$"}
        case _:
            raise TypeError(f"It is not known how to describe {type(filter_).__name__}")
    return _list_of(named, items, "Any of these.", least=1)
