"""One operation of the API: a method of an endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from importsvc.jsonapi.description import Description
from importsvc.jsonapi.document.resources import Resource
from importsvc.jsonapi.errors import IDEMPOTENCY_KEY, MEDIA_TYPE
from importsvc.openapi import errors, parameters
from importsvc.openapi.links import describe_links, link_to_record
from importsvc.openapi.schemas import (
    Schema,
    describe_document,
    describe_linked_request,
    describe_meta,
    describe_request,
    describe_resource,
    describe_upload,
    refer,
)

_READS = {
    "list": Description(summary="List {resources}"),
    "retrieve": Description(summary="Read one of the {resources}"),
}

_HEADER = {"schema": {"type": "string"}}
_FILE_HEADERS = {
    "Content-Disposition": {"description": "The name of the file (RFC 6266).", "schema": {"type": "string"}}
}
_CREATED_HEADERS = {"Location": {"description": "The URL of the new record.", "schema": {"type": "string"}}}
_ACCEPTED_HEADERS = dict.fromkeys(("Location", "Content-Location", "Preference-Applied", "Retry-After"), _HEADER)


def describe_operation(view: Any, *, method: str) -> dict[str, Any]:
    """The operation object (OpenAPI 3.1, section 4.8.10) of a view whose ``action`` is set."""
    handler = getattr(view, view.action)
    resource = view.get_resource()
    described = getattr(handler, "description", None) or _READS[view.action]
    described = replace(described, summary=described.summary.format(resources=resource.type.replace("_", " ")))
    operation: dict[str, Any] = {
        "operationId": f"{view.basename}_{view.action}",
        "summary": described.summary,
        "tags": [view.basename],
        "parameters": list(_describe_parameters(view, handler, described, method=method)),
        "responses": _describe_responses(view, handler, described, method=method),
    }
    if described.takes_file:
        operation["requestBody"] = describe_upload()
    elif described.serializer:
        operation["requestBody"] = _describe_body(view, described)
    if described.deprecation:
        operation["deprecated"] = True
    return operation


def _describe_parameters(
    view: Any, handler: Any, described: Description, *, method: str
) -> Iterator[parameters.Parameter]:
    if view.detail:
        yield parameters.ID
    for name, schema in described.path_parameters.items():
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    if not described.file_type:
        yield from parameters.describe_query(view.get_resource(), view.get_listing())
    names = []
    if described.takes_file:
        names.append("Content-Disposition")
    if method == "GET":
        names.append("If-None-Match")
    if getattr(handler, "is_idempotent", False):
        names.append(IDEMPOTENCY_KEY)
    if described.takes_if_match:
        names.append("If-Match")
    if described.takes_prefer:
        names.append("Prefer")
    yield from (parameters.HEADERS[name] for name in names)


def _describe_body(view: Any, described: Description) -> dict[str, Any]:
    resource = view.get_resource()
    schema = _describe_request(view, resource, described)
    if described.alternatives:
        others = [
            describe_linked_request(resource, serializer_class, relationship=name)
            for name, serializer_class in described.alternatives.items()
        ]
        schema = {"anyOf": [schema, *others]}
    content: dict[str, Any] = {"schema": schema}
    # What need not be sent has an example that changes nothing.
    example = described.example if described.is_required else described.example or {}
    if example is not None:
        data: dict[str, Any] = {"type": resource.type, "attributes": dict(example)}
        if described.relationship:
            identifier = {"type": resource.relationships[described.relationship].type, "id": "1"}
            data["relationships"] = {described.relationship: {"data": identifier}}
        content["example"] = {"data": data}
    return {"required": described.is_required, "content": {MEDIA_TYPE: content}}


def _describe_request(view: Any, resource: Resource, described: Description) -> Schema:
    if described.relationship:
        return describe_linked_request(resource, described.serializer, relationship=described.relationship)
    return describe_request(
        resource,
        described.serializer,
        is_required=described.is_required,
        is_partial=described.is_partial,
        with_id=view.detail,
    )


def _describe_responses(view: Any, handler: Any, described: Description, *, method: str) -> dict[str, Any]:
    success: dict[str, Any] = {
        "description": described.summary,
        "content": _describe_success(view, described),
    }
    headers = {
        **(_FILE_HEADERS if described.file_type else {}),
        **(_CREATED_HEADERS if described.status == 201 else {}),
        **(dict.fromkeys(described.deprecation.write_headers(), _HEADER) if described.deprecation else {}),
    }
    if headers:
        success["headers"] = headers
    if links := describe_links(view, described):
        success["links"] = links
    responses = {str(described.status): success}
    if described.takes_prefer:
        responses["202"] = {
            "description": "The operation that a worker will do",
            "headers": _ACCEPTED_HEADERS,
            "content": {MEDIA_TYPE: {"schema": describe_document(refer("operations"), (), is_list=False)}},
            "links": link_to_record("operations", view.operation_view),
        }
    if method == "GET":
        responses["304"] = {"description": "The response with the ETag in `If-None-Match` is still the same"}
    return responses | errors.refer_to_errors(_list_codes(view, handler, described))


def _list_codes(view: Any, handler: Any, described: Description) -> set[str]:
    codes = {*errors.ALWAYS, *described.errors}
    if view.get_listing():
        codes.update(errors.OF_LISTS)
    if view.detail:
        codes.update(errors.OF_RECORDS)
    if described.serializer:
        codes.update(errors.OF_DOCUMENTS)
    if described.takes_file:
        codes.update(errors.OF_FILES)
    if getattr(handler, "is_idempotent", False):
        codes.update(errors.OF_KEYS)
    if described.takes_if_match:
        codes.update(errors.OF_PRECONDITIONS)
    return codes


def _describe_success(view: Any, described: Description) -> dict[str, Any]:
    """The content of the successful response, by media type."""
    if described.file_type:
        return {described.file_type: {"schema": {"type": "string", "format": "binary"}}}
    return {MEDIA_TYPE: {"schema": _describe_document(view, described)}}


def _describe_document(view: Any, described: Description) -> dict[str, Any]:
    if not described.has_data:
        meta = describe_meta(is_list=False, further=described.meta) if described.meta else refer("Meta")
        return {"type": "object", "required": ["meta"], "properties": {"meta": meta}}
    resource = view.get_resource()
    data = refer(described.component or resource.type)
    if described.further_attributes:
        data = describe_resource(resource, view.serializer_class, further=described.further_attributes)
    included = {each.type for each in resource.walk()} - {resource.type}
    return describe_document(data, included, is_list=view.get_listing() is not None, meta=described.meta)
