"""What the views of all resources have in common."""

from __future__ import annotations

import re
from datetime import UTC, tzinfo
from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from importsvc.jsonapi.filters import LARGEST_BIGINT
from importsvc.jsonapi.query import Listing, check_query, read_shape
from importsvc.jsonapi.resources import Resource, read_resource

_RECORD_ID = re.compile(r"[1-9][0-9]{0,18}")


class JsonApiViewSet(GenericViewSet):
    """A resource of the API.

    Subclasses declare ``serializer_class`` and ``queryset``, and for lists ``filterset_class`` and ``sort_fields``.
    """

    http_method_names = ["get", "head", "post", "patch"]
    sort_fields: tuple[str, ...] = ("id",)

    # Of the request's body, once that was read; only where there is an ``Idempotency-Key``.
    body_digest: str = ""

    def get_resource(self) -> Resource:
        """The resource that the action answers with."""
        return read_resource(self.serializer_class)

    def get_listing(self) -> Listing | None:
        """What can be asked of the list that the action answers with; ``None`` if it is none."""
        if self.action != "list":
            return None
        return Listing(getattr(self, "filterset_class", None), self.sort_fields)

    @property
    def resource_name(self) -> str:
        """The type of the resource, for documents that come and go."""
        return str(self.serializer_class.Meta.resource_name)  # type: ignore[union-attr]

    @property
    def time_zone(self) -> tzinfo:
        """The zone that time stamps are written in."""
        return UTC

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who is asking first, then what for.

        Raises:
            RequestError: a query parameter that this endpoint does not support.
        """
        super().initial(request, *args, **kwargs)
        check_query(request, self)

    def get_record_id(self) -> int:
        """The id in the URL.

        Raises:
            NotFound: it cannot be an id.
        """
        written = self.kwargs["pk"]
        if not _RECORD_ID.fullmatch(written) or int(written) > LARGEST_BIGINT:
            raise NotFound
        return int(written)

    def respond(self, record_id: int, **response: Any) -> Response:
        """The document of a record as it is now.

        Raises:
            NotFound: it is not one of ``get_queryset()``.
        """
        document = self.build_document(self.get_queryset().filter(pk=record_id))
        if not document["data"]:
            raise NotFound
        document["data"] = document["data"][0]
        document["meta"] = self.get_document_meta()
        return Response(document, **response)

    def build_document(self, records: QuerySet[Any]) -> dict[str, Any]:
        """``data``, a list, and ``included`` of a document about these records; reads them with one query."""
        shape = read_shape(self.request, self.serializer_class)
        return shape.build(list(records.values_list(*shape.columns)), self.time_zone)

    def get_document_meta(self) -> dict[str, Any]:
        """What stands in the ``meta`` of every successful document, after page figures."""
        return {}


class RetrieveMixin(JsonApiViewSet):
    """``GET /resources/{id}``."""

    def retrieve(self, request: Request, pk: str) -> Response:
        """The document of one record."""
        return self.respond(self.get_record_id())


class ListMixin(JsonApiViewSet):
    """``GET /resources``."""

    def list(self, request: Request) -> Response:
        """The document of a page of those records that the request asks for."""
        pagination: Any = self.paginator
        records = pagination.paginate_queryset(self.filter_queryset(self.get_queryset()), request)
        document = self.build_document(records)
        document["links"] = pagination.get_links()
        document["meta"] = {**pagination.get_figures(), **self.get_document_meta()}
        return Response(document)
