"""Request documents: JSON:API's frame is checked here, what the attributes mean is left to serializers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from importsvc.jsonapi.errors import IDEMPOTENCY_KEY, MEDIA_TYPE, RequestError
from importsvc.text.display import printable
from importsvc.text.strict_json import AmbiguousObject, read_json


class JsonApiParser(BaseParser):
    """Reads a document with one resource object and returns its attributes."""

    media_type = MEDIA_TYPE

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The attributes of the document's resource object; empty if it has none.

        Raises:
            RequestError: the body is too large, no JSON, no JSON:API document, or not about this endpoint's resource.
        """
        context = parser_context or {}
        _check_length(context["request"].META.get("CONTENT_LENGTH"))
        try:
            document = read_json(_read_body(stream, context))
        except ValueError as error:
            raise RequestError("bad_request", f"The request body is not valid JSON: {error}") from None
        return read_attributes(
            document, resource_name=context["view"].resource_name, resource_id=context["view"].kwargs.get("pk")
        )


def _read_body(stream: IO[Any], context: Mapping[str, Any]) -> bytes:
    """The body. Nobody keeps it: if the request is to be recognized when it comes again, the view learns its digest."""
    body: bytes = stream.read()
    if IDEMPOTENCY_KEY in context["request"].headers:
        context["view"].body_digest = hashlib.sha256(body).hexdigest()
    return body


def read_attributes(document: object, *, resource_name: str, resource_id: str | None) -> dict[str, Any]:
    """The attributes of the resource object that a document is about.

    Args:
        document: decoded JSON.
        resource_name: the type that the endpoint serves.
        resource_id: from the URL; ``None`` when a resource is created. The document may leave it out.

    Raises:
        RequestError: 400 for what is no such document, 409 for another type or id, 403 for an id chosen by the client
            and for relationships, none of which can be written.
    """
    data = _check_object(document).get("data")
    if data is None:
        raise RequestError("bad_request", "The document has no primary data", pointer="data")
    _check_object(data, "data")
    attributes = _check_object(data.get("attributes", {}), "data/attributes")
    relationships = _check_object(data.get("relationships", {}), "data/relationships")
    given_type = data.get("type")
    if not isinstance(given_type, str):
        raise RequestError("bad_request", "The resource object has no type", pointer="data/type")
    if given_type != resource_name:
        detail = f"Type '{printable(given_type)}' is not '{resource_name}', which this endpoint is about"
        raise RequestError("conflict", detail, pointer="data/type")
    if "id" in data:
        _check_id(data["id"], resource_id)
    if relationships:
        raise RequestError(
            "access_denied", "Relationships of this resource cannot be written", pointer="data/relationships"
        )
    return attributes


def _check_id(given_id: object, resource_id: str | None) -> None:
    if resource_id is None:
        raise RequestError("access_denied", "Ids are given by the server", pointer="data/id")
    if not isinstance(given_id, str):
        raise RequestError("bad_request", "The id must be a string", pointer="data/id")
    if given_id != resource_id:
        raise RequestError("conflict", "The id is not the one in the URL", pointer="data/id")


def _check_object(value: object, pointer: str | None = None) -> dict[str, Any]:
    named = f"'{pointer}'" if pointer else "The document"
    if not isinstance(value, dict):
        raise RequestError("bad_request", f"{named} must be an object", pointer=pointer)
    if isinstance(value, AmbiguousObject):
        raise RequestError("bad_request", f"{named} names '{printable(value.repeated[0])}' twice", pointer=pointer)
    return value


def _check_length(content_length: str | None) -> None:
    if int(content_length or 0) > settings.MAX_BODY_BYTES:
        raise RequestError("payload_too_large", f"The request body is larger than {settings.MAX_BODY_BYTES} bytes")
