"""JSON schemas of resources and documents, from the serializers and importable types that declare them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from rest_framework import serializers

from importsvc.engine.parse import cells
from importsvc.engine.schema import registry
from importsvc.engine.schema.importable import Column, Importable
from importsvc.jsonapi.document.fields import (
    ComputedField,
    RawJsonField,
    StrictIdField,
    TimestampField,
    ToOneField,
)
from importsvc.jsonapi.document.resources import Resource
from importsvc.jsonapi.request.parsers import RECORD_ID
from organizations.features import METERED_LIMITS, SWITCHES

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_JSON: Schema = {}
# Bytes: with the format of OpenAPI 3.0, which generators of clients still need.
_BINARY: Schema = {"type": "string", "format": "binary"}
# Generators of clients take an object without members for one that has none.
_OBJECT: Schema = {"type": "object", "additionalProperties": True}

_OF_FIELDS: tuple[tuple[type[serializers.Field], Schema], ...] = (
    (TimestampField, {"type": "string", "format": "date-time"}),
    (serializers.BooleanField, {"type": "boolean"}),
    (serializers.IntegerField, {"type": "integer", "format": "int64"}),
    (serializers.JSONField, _JSON),
    (serializers.CharField, _TEXT),
)

_FILE = "First Name,Email,Company\nJohn,john@mail.com,Import\n"

_FIGURES = ("current_page", "total_pages", "total_count", "page_size", "max_page_size")

# Cells by the functions that clean them. Text stands for every type that a CSV would have as text.
_OF_CELLS: Mapping[Any, Schema] = {
    cells.text: {**_TEXT, "maxLength": cells.TEXT_LENGTH},
    cells.long_text: {**_TEXT, "maxLength": cells.LONG_TEXT_LENGTH},
    cells.email: {**_TEXT, "format": "email", "maxLength": cells.EMAIL_LENGTH},
    cells.currency: {**_TEXT, "description": "An ISO 4217 code."},
    cells.whole_number: {"type": ["integer", "string"], "minimum": 0, "maximum": cells.LARGEST_INTEGER},
    cells.money: {"type": ["number", "string"]},
    cells.tags: {"type": ["array", "string"], "items": _TEXT, "description": "A list, or text with commas between."},
    cells.json_object: _OBJECT,
    cells.clean_phone: {**_TEXT, "description": "A phone number; it is stored in E.164, as `+4930901820`."},
    cells.clean_date: {**_TEXT, "description": "A date, as `2026-11-30`."},
}

_UNIQUE = {
    False: "Unique in the organization, regardless of case.",
    True: "Unique in the organization; upper and lower case differ.",
}


def refer(name: str) -> Schema:
    """A reference to a schema of the description's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def make_nullable(schema: Schema) -> Schema:
    """The schema, or null."""
    if "type" not in schema:
        return schema  # any JSON
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    enum = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [*types, "null"], **enum}


def describe_resource(
    resource: Resource, serializer_class: Any, *, further: Mapping[str, Schema] = MappingProxyType({})
) -> Schema:
    """The schema of a resource object, with ``further`` attributes.

    ``fields[type]`` may leave out all members but ``type`` and ``id``.
    """
    fields = serializer_class().fields
    attributes = {each.name: _describe_attribute(fields[each.name], serializer_class) for each in resource.attributes}
    return make_resource(resource, {**attributes, **further})


def make_resource(resource: Resource, attributes: Mapping[str, Schema]) -> Schema:
    """The schema of a resource object with these attributes."""
    properties: Schema = {"id": _TEXT, "type": {**_TEXT, "const": resource.type}}
    if attributes:
        properties["attributes"] = {"type": "object", "properties": dict(attributes)}
    if resource.relationships:
        linkage = {name: _describe_linkage(each.type, each.id_type) for name, each in resource.relationships.items()}
        properties["relationships"] = {"type": "object", "properties": linkage}
    return {"type": "object", "required": ["id", "type"], "properties": properties}


def describe_document(
    data: Schema, included: Collection[str], *, is_list: bool, meta: Mapping[str, Schema] = MappingProxyType({})
) -> Schema:
    """The schema of a document with this primary data.

    Args:
        data: the schema of the resource object.
        included: the types that the document may include.
        is_list: whether the document is a page of a list.
        meta: schemas of further members of ``meta``.
    """
    properties: Schema = {"data": {"type": "array", "items": data} if is_list else data}
    # Without types it is empty, and there only if the request has ``include``.
    names = sorted(included)
    items = {"items": {"anyOf": [refer(name) for name in names]}} if names else {"items": _OBJECT, "maxItems": 0}
    properties["included"] = {"type": "array", **items}
    if is_list:
        properties["links"] = refer("Links")
    properties["meta"] = describe_meta(is_list=is_list, further=meta) if meta else refer(name_meta(is_list))
    required = ["data", "links", "meta"] if is_list else ["data", "meta"]
    return {"type": "object", "required": required, "properties": properties}


def name_meta(is_list: bool) -> str:
    """The name of the schema of ``meta`` without further members."""
    return "ListMeta" if is_list else "Meta"


def describe_meta(*, is_list: bool, further: Mapping[str, Schema] = MappingProxyType({})) -> Schema:
    """The schema of a document's ``meta``, with ``further`` optional members."""
    figures = {name: {"type": "integer", "minimum": 0} for name in (_FIGURES if is_list else ())}
    properties = {**figures, "organization_features": refer("Features")}
    return {"type": "object", "required": list(properties), "properties": {**properties, **further}}


def describe_features() -> Schema:
    """The schema of ``organization_features``."""
    count = {"type": "integer", "minimum": 0}
    metered = {"type": {**_TEXT, "const": "metered"}, "limit": count, "used": count}
    switch = {"type": {**_TEXT, "const": "switch"}, "available": {"type": "boolean"}}
    of_names = {**dict.fromkeys(METERED_LIMITS, metered), **dict.fromkeys(SWITCHES, switch)}
    properties = {
        name: {"type": "object", "required": list(members), "properties": members} for name, members in of_names.items()
    }
    return {"type": "object", "required": list(properties), "properties": properties}


def describe_request(
    resource: Resource, serializer_class: Any, *, is_required: bool, is_partial: bool, with_id: bool
) -> Schema:
    """The schema of a request's document, which need not have primary data unless ``is_required``."""
    fields = {name: field for name, field in serializer_class().fields.items() if not isinstance(field, ToOneField)}
    attributes: Schema = {}
    for name, field in fields.items():
        if name == "id":
            continue
        # Clients send back what they have read.
        attributes[name] = {"readOnly": True} if field.read_only else _describe_field(field, nullable=field.allow_null)
    required = [] if is_partial else [name for name, field in fields.items() if field.required and not field.read_only]
    given: Schema = {"type": "object", "properties": attributes, "additionalProperties": False}
    if required:
        given["required"] = required
    properties: Schema = {"type": {**_TEXT, "const": resource.type}, "attributes": given}
    if with_id:
        properties["id"] = {**_TEXT, "description": "The id in the URL."}
        properties["relationships"] = {**_OBJECT, "description": "Those of the record; they cannot be changed."}
    data = {"type": "object", "required": ["type", *(["attributes"] if required else [])], "properties": properties}
    if is_required:
        return {"type": "object", "required": ["data"], "properties": {"data": data}}
    nothing = {"type": ["object", "null"], "maxProperties": 0, "description": "As no document at all."}
    return {"type": "object", "properties": {"data": {"anyOf": [data, nothing]}}}


def describe_linked_request(resource: Resource, serializer_class: Any, *, relationship: str) -> Schema:
    """The schema of a document of a new resource that sets a relationship."""
    schema = describe_request(resource, serializer_class, is_required=True, is_partial=False, with_id=False)
    related = resource.relationships[relationship]
    linkage = _describe_linkage(related.type, related.id_type)
    identifier = linkage["properties"]["data"]
    identifier["type"] = "object"
    identifier["properties"]["id"]["pattern"] = f"^{RECORD_ID.pattern}$"
    data = schema["properties"]["data"]
    data["required"] = [*data["required"], "relationships"]
    data["properties"]["relationships"] = {
        "type": "object",
        "required": [relationship],
        "properties": {relationship: linkage},
    }
    return schema


def describe_upload() -> dict[str, Any]:
    """The body of a request that brings a file (OpenAPI 3.1, section 4.8.14.2)."""
    form: Schema = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {**_BINARY, "contentMediaType": "application/octet-stream"}},
        "additionalProperties": False,
    }
    return {
        "required": True,
        "description": "The bytes of the file, of any media type, or a form with it.",
        "content": {
            "application/octet-stream": {"schema": _BINARY, "example": _FILE},
            "multipart/form-data": {"schema": form},
        },
    }


def describe_rows() -> Schema:
    """The schema of ``import_data`` as an object: an array of rows for each type."""
    properties = {each.name: {"type": "array", "items": _describe_row(each)} for each in registry.in_dependency_order()}
    return {
        "type": "object",
        "description": "An array of rows for each type; at least one row.",
        "properties": properties,
        "additionalProperties": False,
        "minProperties": 1,
    }


def _describe_row(importable: Importable) -> Schema:
    columns = {column.name: make_nullable(_describe_column(column)) for column in importable.columns}
    for reference in importable.references:
        description = f"The {reference.by} of a {reference.to}, of the same import or of the organization."
        columns[reference.name] = {"type": ["string", "null"], "description": description}
    return {
        "type": "object",
        "description": "Headers match regardless of case, spaces, `_` and `-`. Another header is a row error.",
        "properties": columns,
    }


def _describe_column(column: Column) -> Schema:
    notes = [
        "Required." if column.required else "",
        _UNIQUE[column.case_sensitive] if column.unique else "",
    ]
    # Some cleaners are a function with parameters, such as the region of phone numbers.
    schema = _OF_CELLS.get(getattr(column.clean, "func", column.clean), _JSON)
    description = " ".join(filter(None, [schema.get("description"), *notes]))
    return {**schema, "description": description} if description else schema


def _describe_attribute(field: Any, serializer_class: Any) -> Schema:
    if isinstance(field, ComputedField):
        return dict(field.schema)
    try:
        column = serializer_class.Meta.model._meta.get_field(field.source)
    except FieldDoesNotExist:
        column = None
    return _describe_field(field, nullable=bool(column is not None and column.null))


def _describe_field(field: Any, *, nullable: bool) -> Schema:
    schema = _describe_value(field)
    if help_text := getattr(field, "help_text", None):
        schema = {**schema, "description": str(help_text)}
    return make_nullable(schema) if nullable else schema


def _describe_value(field: Any) -> Schema:
    if isinstance(field, RawJsonField):
        in_text = {**_TEXT, "contentMediaType": "application/json", "description": "The same as text that holds JSON."}
        return {"anyOf": [refer("ImportData"), in_text]}
    if isinstance(field, StrictIdField):
        return {"type": "integer", "format": "int64", "minimum": 1, "maximum": models.BigIntegerField.MAX_BIGINT}
    if isinstance(field, serializers.ChoiceField):
        return {**_TEXT, "enum": list(field.choices)}
    if isinstance(field, serializers.ListField):
        return {"type": "array", "items": _describe_value(field.child)}
    return dict(next(schema for of_type, schema in _OF_FIELDS if isinstance(field, of_type)))


def _describe_linkage(resource_type: str, id_type: Any) -> Schema:
    of_type = {**_TEXT, "const": resource_type} if resource_type else _TEXT
    identifier = {"type": "integer" if id_type is int else "string"}
    return {
        "type": "object",
        "required": ["data"],
        "properties": {
            "data": {
                "type": ["object", "null"],
                "required": ["type", "id"],
                "properties": {"type": of_type, "id": identifier},
            }
        },
    }
