"""drf-spectacular's way into this package: it walks over the URLs, and asks for each operation."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from drf_spectacular.openapi import AutoSchema as SpectacularSchema

from importsvc.files.errors import REASONS
from importsvc.jsonapi.document.resources import read_resource
from importsvc.jsonapi.errors import STATUSES
from importsvc.openapi import errors
from importsvc.openapi.events import describe_webhooks
from importsvc.openapi.operations import describe_operation
from importsvc.openapi.schemas import (
    describe_features,
    describe_meta,
    describe_resource,
    describe_rows,
    make_resource,
    name_meta,
)

_TOKEN = {"type": "apiKey", "in": "header", "name": "X-Auth-Token", "description": "The token of a person."}
_ORGANIZATION = {
    "type": "apiKey",
    "in": "header",
    "name": "X-Organization-Id",
    "description": "The id of the person's organization.",
}


class AutoSchema(SpectacularSchema):
    """DRF's ``DEFAULT_SCHEMA_CLASS``."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> dict[str, Any] | None:
        """The operation object of a method of the view."""
        return describe_operation(self.view, method=method)


def add_components(result: dict[str, Any], generator: Any, **_: Any) -> dict[str, Any]:
    """A hook of drf-spectacular: add what operations refer to, the webhooks, and how requests are authenticated."""
    views = [view for _, _, _, view in generator._get_paths_and_endpoints()]
    result["components"] = {
        "schemas": dict(sorted(_describe_schemas(views), key=itemgetter(0))),
        "responses": errors.describe_errors(),
        "examples": {code: {"value": document} for code, document in errors.read_examples().items()},
        "securitySchemes": {"token": _TOKEN, "organization": _ORGANIZATION},
    }
    result["security"] = [{"token": [], "organization": []}]
    result["webhooks"] = describe_webhooks()
    # Pages show them in this order, and the webhooks after them.
    result["tags"] = [{"name": name} for name in dict.fromkeys(view.basename for view in views)]
    return result


def _describe_schemas(views: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for view in views:
        for serializer_class in _walk(view.serializer_class):
            resource = read_resource(serializer_class)
            yield resource.type, describe_resource(resource, serializer_class)
        description = getattr(getattr(view, view.action), "description", None)
        if description and description.attributes is not None:
            resource = view.get_resource()
            attributes = {each.name: description.attributes[each.name] for each in resource.attributes}
            yield description.component, make_resource(resource, attributes)
    yield "ImportData", describe_rows()
    for is_list in (False, True):
        yield name_meta(is_list), describe_meta(is_list=is_list)
    yield "Features", describe_features()
    yield "Links", _describe_links()
    yield "Error", _describe_error()
    yield (
        "ErrorDocument",
        {
            "type": "object",
            "required": ["errors"],
            "properties": {"errors": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Error"}}},
        },
    )


def _walk(serializer_class: Any) -> Iterator[Any]:
    yield serializer_class
    for related in serializer_class.included_serializers.values():
        yield from _walk(related)


def _describe_links() -> dict[str, Any]:
    link = {"type": "string", "format": "uri"}
    return {
        "type": "object",
        "required": ["first", "last"],
        "properties": dict.fromkeys(("first", "last", "prev", "next"), link),
    }


def _describe_error() -> dict[str, Any]:
    text = {"type": "string"}
    row_error = {
        "type": "object",
        "required": ["row", "column", "messages"],
        "properties": {
            "row": {"type": "integer", "minimum": 1},
            "column": {"type": ["string", "null"]},
            "messages": {"type": "array", "items": text},
        },
    }
    reason = {**text, "enum": list(REASONS), "description": "Why a file or a mapping is refused."}
    rows = {"type": "object", "additionalProperties": {"type": "array", "items": row_error}}
    return {
        "type": "object",
        "required": ["status", "code", "title", "detail"],
        "properties": {
            "status": text,
            "code": {"type": "string", "enum": list(STATUSES)},
            "title": text,
            "detail": {"description": "A sentence, or row errors by type.", "anyOf": [text, rows]},
            "source": {"type": "object", "properties": dict.fromkeys(("pointer", "parameter", "header"), text)},
            "meta": {"type": "object", "properties": {"reason": reason}, "additionalProperties": True},
        },
    }
