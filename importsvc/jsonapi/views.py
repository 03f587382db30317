"""The base classes of the views of resources."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Mapping
from datetime import UTC, tzinfo
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.schemas import DefaultSchema
from rest_framework.viewsets import GenericViewSet

from importsvc.http import SMALL_BODY_BYTES
from importsvc.jsonapi.description import Description
from importsvc.jsonapi.document.compiled import DocumentShape, compile_document
from importsvc.jsonapi.document.queries import compile_record
from importsvc.jsonapi.document.resources import Resource, read_field_names, read_resource
from importsvc.jsonapi.errors import InvalidAttributes, RequestError
from importsvc.jsonapi.request.echoes import find_changed
from importsvc.jsonapi.request.filters import LARGEST_BIGINT
from importsvc.jsonapi.request.query import Listing, check_query, read_shape
from importsvc.postgres.compiled_queries import Row

_RECORD_ID = re.compile(r"[1-9][0-9]{0,18}")


class _SchemaOfInstances(DefaultSchema):
    """Loads ``DEFAULT_SCHEMA_CLASS`` for a view that is described, and not for a router that looks at all attributes.

    The class brings Django's test client with it: memory and time of each start.
    """

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self if instance is None else super().__get__(instance, owner)


class JsonApiViewSet(GenericViewSet):
    """A resource of the API.

    Subclasses declare ``serializer_class`` and ``queryset``, and for lists ``filterset_class`` and ``sort_fields``.
    """

    schema = _SchemaOfInstances()
    http_method_names = ["get", "head", "post", "patch"]
    serializer_class: Any
    sort_fields: tuple[str, ...] = ("id",)

    # The functions that read large attributes of request documents, by name (see ``JsonApiParser``).
    streamed_attributes: Mapping[str, Any] = {}

    # The actions whose requests bring a file in place of a document (see ``FileParser``).
    file_actions: frozenset[str] = frozenset()

    # The to-one relationships that documents may set, by action: the types of resources by name.
    writable_relationships: Mapping[str, Mapping[str, str]] = {}

    # The ids in these relationships of the request's document, by name.
    given_relationships: Mapping[str, int] = {}

    # In bytes: the largest body of a request without streamed attributes. Larger ones than this need a slot.
    largest_body: int = SMALL_BODY_BYTES

    # The number of unknown attributes in the request's document that the parser has only counted.
    uncounted_attributes: int = 0

    # The version of a record, which becomes a part of the ``ETag`` of its document, so that ``If-Match`` can name it.
    version: Combinable | None = None

    # The SHA-256 of the request's body, after it was read; only for requests with an ``Idempotency-Key``.
    body_digest: str = ""

    @classmethod
    def get_records(cls, parameters: Mapping[str, Any]) -> QuerySet[Any]:
        """All records that the caller may read, given ``get_parameters()`` or placeholders for their values."""
        queryset: Any = cls.queryset
        return queryset.all()

    def get_parameters(self) -> dict[str, Any]:
        """The values of the caller that ``get_records()`` needs."""
        return {}

    @property
    def slot_owner(self) -> Hashable:
        """The party that shares the threads of the service with others (see ``importsvc.http.slots``)."""
        return None

    @classmethod
    def get_known_attributes(cls) -> Collection[str]:
        """The attributes that request documents may have."""
        return read_field_names(cls.serializer_class)

    def get_queryset(self) -> QuerySet[Any]:
        return self.get_records(self.get_parameters())

    def get_resource(self) -> Resource:
        """The resource in the action's document."""
        return read_resource(self.serializer_class)

    def get_document_id(self) -> str | None:
        """The id of the resource that the URL names; ``None`` for a new one."""
        return self.kwargs.get("pk")

    def get_listing(self) -> Listing | None:
        """The filters and sort fields of the action's list; ``None`` if its document is no list."""
        if self.action != "list":
            return None
        return Listing(getattr(self, "filterset_class", None), self.sort_fields)

    @property
    def handler_description(self) -> Description | None:
        """What the description of the API says about the action's handler; ``None`` if there is no handler."""
        return getattr(getattr(self, self.action or "", None), "description", None)

    @property
    def file_type(self) -> str:
        """The media type of the file that the action responds with; empty if it responds with a document."""
        return self.handler_description.file_type if self.handler_description else ""

    @property
    def time_zone(self) -> tzinfo:
        """The zone that time stamps are written in."""
        return UTC

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate the caller, then check the query parameters.

        Raises:
            MethodNotAllowed: the endpoint does not have the method.
            RequestError: the endpoint does not support a query parameter.
        """
        super().initial(request, *args, **kwargs)
        if str(request.method).lower() not in self.action_map:
            # Before its query parameters are refused.
            self.http_method_not_allowed(request)
        check_query(request, self)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Any:
        """The response, with the headers of a deprecated handler."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.handler_description and self.handler_description.deprecation:
            for name, value in self.handler_description.deprecation.write_headers().items():
                response.headers[name] = value
        return response

    def get_record_id(self) -> int:
        """The id in the URL.

        Raises:
            NotFound: it is not a valid id.
        """
        written = self.kwargs["pk"]
        if not _RECORD_ID.fullmatch(written) or int(written) > LARGEST_BIGINT:
            raise NotFound
        return int(written)

    @property
    def requires_document(self) -> bool:
        """Whether the request must have a document with primary data."""
        return bool(self.handler_description and self.handler_description.is_required)

    def read_attributes(
        self, serializer_class: Any, *, partial: bool = False, compares_read_only: bool = False
    ) -> dict[str, Any]:
        """The clean attributes of the request's document; with ``partial``, none of them is required.

        With ``compares_read_only`` the document is a new state of the record in the URL: read-only attributes must have
        the values that they have there. Otherwise they are ignored.

        Raises:
            RequestError: the body is missing, and the handler requires one.
            InvalidAttributes: an attribute is not acceptable.
            NotFound: there is no such record, and the document has read-only attributes.
        """
        if self.requires_document and self.request.stream is None:
            raise RequestError("bad_request", "The request has no body")
        serializer = serializer_class(data=self.request.data, partial=partial)
        errors = {} if serializer.is_valid() else dict(serializer.errors)
        if compares_read_only:
            errors |= self._find_changed(serializer)
        if errors:
            raise InvalidAttributes(errors, uncounted=self.uncounted_attributes)
        return dict(serializer.validated_data)

    def read_relationship(self, name: str) -> int | None:
        """The id in a writable relationship of the request's document; ``None`` if the document does not have it."""
        _ = self.request.data
        return self.given_relationships.get(name)

    def read_relationships(self) -> dict[str, Any]:
        """The relationships of the resource that the URL names, as its document has them; none for a new resource.

        Raises:
            NotFound: there is no such resource.
        """
        if "pk" not in self.kwargs:
            return {}
        relationships: dict[str, Any] = self.read_present(self.get_resource().relationships)["relationships"]
        return relationships

    def read_present(self, names: Collection[str]) -> dict[str, Any]:
        """The resource object that the URL names as it is now, with these fields at least.

        Raises:
            NotFound: there is no such resource.
        """
        fields = frozenset({(self.get_resource().type, frozenset(names))})
        shape = compile_document(self.serializer_class, None, fields)
        rows = self._fetch(self.get_record_id(), type(self), shape.columns)
        present: dict[str, Any] = shape.build(rows, self.time_zone)["data"][0]
        return present

    def _find_changed(self, serializer: Any) -> dict[str, list[str]]:
        """An error for each read-only attribute of the request's document that differs from the record's."""
        given: Any = self.request.data
        names = {each.name for each in self.get_resource().attributes if each.name in given}
        compared = set(filter(serializer.is_compared, names))
        if not compared:
            return {}
        present = self.read_present(compared)["attributes"]
        return find_changed(given, {name: present[name] for name in compared})

    def respond(self, record_id: int, **response: Any) -> Response:
        """The document of a record.

        Raises:
            NotFound: ``get_records()`` does not have the record.
        """
        return Response(self.build_document(record_id, read_shape(self.request, self.serializer_class)), **response)

    def respond_with_version(self, record_id: int) -> Response:
        """As ``respond``, and the record's version is a part of the response's ``ETag`` (see ``ConditionalGet``)."""
        shape = read_shape(self.request, self.serializer_class)
        rows = self._fetch(record_id, type(self), (*shape.columns, self.version))
        response = Response(self._build(shape, rows))
        response.version = rows[0][-1]  # type: ignore[attr-defined]
        return response

    def build_document(
        self, record_id: int, shape: DocumentShape, view_class: type[JsonApiViewSet] | None = None
    ) -> dict[str, Any]:
        """The document of a record in this shape.

        ``view_class`` has the records if they are of another resource; it takes the parameters of this one.

        Raises:
            NotFound: ``get_records()`` does not have the record.
        """
        return self._build(shape, self._fetch(record_id, view_class or type(self), shape.columns))

    def _fetch(self, record_id: int, view_class: type[JsonApiViewSet], columns: tuple[Any, ...]) -> list[Row]:
        parameters = self.get_parameters()
        rows = compile_record(view_class, tuple(parameters), columns).fetch(pk=record_id, **parameters)
        if not rows:
            raise NotFound
        return rows

    def _build(self, shape: DocumentShape, rows: list[Row]) -> dict[str, Any]:
        document = shape.build(rows, self.time_zone)
        document["data"] = document["data"][0]
        document["meta"] = self.get_document_meta()
        return document

    def get_document_meta(self) -> dict[str, Any]:
        """The members of ``meta`` in every successful document, after those of pagination."""
        return {}
