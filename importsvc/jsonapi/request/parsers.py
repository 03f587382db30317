"""The parser of request documents. It checks the document; serializers validate the attributes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from importsvc.http import get_content_length
from importsvc.jsonapi.errors import IDEMPOTENCY_KEY, MEDIA_TYPE, RequestError
from importsvc.jsonapi.request.echoes import has_changed_linkage, read_linkage
from importsvc.text.display import printable
from importsvc.text.json_stream import JsonError, JsonReader, JsonTooLargeError
from importsvc.text.strict_json import AmbiguousObject, make_object
from importsvc.text.text_stream import read_utf8

# In characters: the largest value of a document, but for those that functions of the view read.
LARGEST_MEMBER = 1 << 20

# Of the members of an object that have no meaning so many names are kept, or names of so many characters.
_KEPT_NAMES = 1_000
_KEPT_CHARACTERS = 1 << 20

# Reads the value of a member, and returns what is kept of it.
ReadMember = Callable[[JsonReader], Any]

# An id as a resource identifier has it.
RECORD_ID = re.compile(r"[1-9][0-9]{0,18}")
LARGEST_BIGINT = 2**63 - 1


class JsonApiParser(BaseParser):
    """Parses a document with one resource object from a stream, and returns its attributes.

    Attributes in the view's ``streamed_attributes`` are read by these functions, without holding them in memory. Of
    attributes that the view does not know the first 1,000 are returned, with the value ``None``, and the others are
    counted in the view's ``uncounted_attributes``: so memory does not grow with the body.
    """

    media_type = MEDIA_TYPE

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The attributes of the document's resource object; empty if it has none, or if the view requires no document
        and it has no primary data.

        Raises:
            RequestError: 413 if the body is too large, 415 if it is compressed, 400 if it is not JSON or not such a
                document, 409 for another type or id, 403 for an id in a new resource and for relationships that differ
                from the record's.
            NotFound: there is no such record, and the document has relationships.
        """
        context = parser_context or {}
        request, view = context["request"], context["view"]
        refuse_encoded_body(request)
        limit = settings.MAX_BODY_BYTES if view.streamed_attributes else view.largest_body
        if get_content_length(request.META) > limit:
            detail = f"The request body is larger than {limit} bytes"
            raise RequestError("payload_too_large", detail)
        body = _Body(stream)
        reader = JsonReader(read_utf8(body))
        try:
            document = _read_document(reader, view)
            reader.expect_end()
        except JsonTooLargeError as error:
            raise RequestError("payload_too_large", f"The document has a value that is too large: {error}") from None
        except JsonError as error:
            raise RequestError("bad_request", f"The request body is not valid JSON: {error}") from None
        if IDEMPOTENCY_KEY in request.headers:
            view.body_digest = body.digest.hexdigest()
        if not view.requires_document and _is_empty(document):
            return {}
        data = _read_resource_object(
            document, resource_type=view.get_resource().type, resource_id=view.get_document_id()
        )
        if relationships := data.get("relationships"):
            writable = view.writable_relationships.get(view.action, {})
            view.given_relationships = dict(_read_relationships(relationships, writable))
            others = {name: relationships[name] for name in relationships if name not in writable}
            if others:
                _check_relationships(others, view.read_relationships())
        attributes: dict[str, Any] = data.get("attributes", {})
        return attributes


def refuse_encoded_body(request: Any) -> None:
    """Check that the body is not compressed.

    Raises:
        RequestError: it is.
    """
    coding = request.headers.get("Content-Encoding", "").strip()
    if coding.lower() not in ("", "identity"):
        detail = f"Content-Encoding '{printable(coding)}' is not supported: send the body uncompressed"
        raise RequestError("unsupported_media_type", detail, header="Content-Encoding")


class _Body:
    """The body of a request, with a digest of the bytes that were read."""

    def __init__(self, stream: IO[Any]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        content: bytes = self._stream.read(size)
        self.digest.update(content)
        return content


def _read_document(reader: JsonReader, view: Any) -> Any:
    known = dict.fromkeys(view.get_known_attributes(), _read_value)

    def read_attributes(reader: JsonReader) -> Any:
        attributes, view.uncounted_attributes = _read_object(reader, {**known, **view.streamed_attributes})
        return attributes

    values: dict[str, ReadMember] = {"attributes": read_attributes}
    for name in ("type", "id", "relationships"):
        values[name] = _read_value
    return _read_object(reader, {"data": lambda reader: _read_object(reader, values)[0]})[0]


_read_value = partial(JsonReader.read_value, largest=LARGEST_MEMBER)


def _drop_value(reader: JsonReader) -> None:
    """Check the value, of which nothing is needed."""
    _read_value(reader)


def _read_object(reader: JsonReader, readers: Mapping[str, ReadMember]) -> tuple[Any, int]:
    """Read a value: of an object, the members in ``readers`` by these functions, and of the others only the names.

    Returns:
        The value, and the number of members that are not kept. Repeated names among these are not noticed.
    """
    if reader.peek() != "{":
        return _read_value(reader), 0
    pairs: list[tuple[str, Any]] = []
    kept = characters = dropped = 0
    for name in reader.read_members():
        value = readers.get(name, _drop_value)(reader)
        if name not in readers:
            if kept >= _KEPT_NAMES or characters >= _KEPT_CHARACTERS:
                dropped += 1
                continue
            kept += 1
            characters += len(name)
        pairs.append((name, value))
    return make_object(pairs), dropped


def _is_empty(document: object) -> bool:
    """Whether the document has no primary data: some clients send such a document where they have nothing to send."""
    return _check_object(document).get("data") in (None, {})


def _read_resource_object(document: object, *, resource_type: str, resource_id: str | None) -> dict[str, Any]:
    """The resource object; ``resource_id`` is from the URL, or ``None`` for a new resource."""
    data = _check_object(document).get("data")
    if data is None:
        raise RequestError("bad_request", "The document has no primary data", pointer="data")
    _check_object(data, pointer="data")
    _check_object(data.get("attributes", {}), pointer="data/attributes")
    _check_object(data.get("relationships", {}), pointer="data/relationships")
    given_type = data.get("type")
    if not isinstance(given_type, str):
        raise RequestError("bad_request", "The resource object has no type", pointer="data/type")
    if given_type != resource_type:
        detail = f"Type '{printable(given_type)}' is not '{resource_type}', which this endpoint is about"
        raise RequestError("conflict", detail, pointer="data/type")
    if "id" in data:
        _check_id(data["id"], resource_id)
    return data


def _check_relationships(given: Mapping[str, Any], present: Mapping[str, Any]) -> None:
    """Accept what a client read and sends back; no relationship can be changed."""
    if has_changed_linkage(given, present):
        detail = "Relationships of this resource cannot be written"
        raise RequestError("access_denied", detail, pointer="data/relationships")


def _read_relationships(given: Mapping[str, Any], writable: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """The ids in writable relationships, by name; those without a resource are left out."""
    for name in given.keys() & writable.keys():
        linkage = read_linkage(given[name])
        if linkage is None:
            continue
        if not isinstance(linkage, tuple) or linkage[0] != writable[name] or not RECORD_ID.fullmatch(linkage[1]):
            detail = f"'{name}' must be a resource identifier of type '{writable[name]}'"
            raise RequestError("bad_request", detail, pointer=f"data/relationships/{name}")
        yield name, min(int(linkage[1]), LARGEST_BIGINT)


def _check_id(given_id: object, resource_id: str | None) -> None:
    if resource_id is None:
        raise RequestError("access_denied", "Ids are given by the server", pointer="data/id")
    if not isinstance(given_id, str):
        raise RequestError("bad_request", "The id must be a string", pointer="data/id")
    if given_id != resource_id:
        raise RequestError("conflict", "The id is not the one in the URL", pointer="data/id")


def _check_object(value: object, **source: str) -> dict[str, Any]:
    named = f"'{source['pointer']}'" if source else "The document"
    if not isinstance(value, dict):
        raise RequestError("bad_request", f"{named} must be an object", **source)
    if isinstance(value, AmbiguousObject):
        raise RequestError("bad_request", f"{named} names '{printable(value.repeated[0])}' twice", **source)
    return value
