"""What views do with their resources, as mixins of ``JsonApiViewSet``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from importsvc.jsonapi.document.compiled import DocumentShape
from importsvc.jsonapi.document.queries import compile_count, compile_first_page
from importsvc.jsonapi.document.resources import Resource
from importsvc.jsonapi.request.filters import read_filters, read_order
from importsvc.jsonapi.request.query import read_fields, read_shape
from importsvc.jsonapi.views import JsonApiViewSet
from importsvc.postgres.compiled_queries import Row


class RetrieveMixin(JsonApiViewSet):
    """``GET /resources/{id}``."""

    def retrieve(self, request: Request, pk: str) -> Response:
        """The document of one record."""
        record_id = self.get_record_id()
        return self.respond_with_version(record_id) if self.version else self.respond(record_id)


class ListMixin(JsonApiViewSet):
    """``GET /resources``."""

    def list(self, request: Request) -> Response:
        """The document of a page of the requested records."""
        pagination: Any = self.paginator
        shape = read_shape(request, self.serializer_class)
        parameters = request.query_params
        if parameters.get("page[number]", "1") == "1" and not read_filters(parameters):
            rows = self._read_first_page(shape)
        else:
            records = pagination.paginate_queryset(self.filter_queryset(self.get_queryset()), request, self)
            rows = list(records.values_list(*shape.columns))
        # Before the document is built: PostgreSQL responds faster after a shorter pause.
        meta = self.get_document_meta()
        document = shape.build(rows, self.time_zone)
        document["links"] = pagination.get_links()
        document["meta"] = {**pagination.get_figures(), **meta}
        return Response(document)

    def _read_first_page(self, shape: DocumentShape) -> Sequence[Row]:
        """The most frequent request, by compiled queries; for other requests Django compiles the query each time."""
        pagination: Any = self.paginator
        parameters = self.get_parameters()
        names = tuple(parameters)
        pagination.open(self.request, lambda: compile_count(type(self), names).fetch(**parameters)[0][0])
        query = compile_first_page(type(self), names, shape.columns, read_order(self.request), pagination.size)
        return query.fetch(**parameters) if pagination.count else []


class ItemsMixin(JsonApiViewSet):
    """Documents of resources that are no records: rows, changes, and what the service has ready."""

    def write_item(
        self, resource: Resource, item_id: str, attributes: Mapping[str, Any], linkages: Mapping[str, Any]
    ) -> dict[str, Any]:
        """A resource object of a resource that is no record, with the fields that the request asks for.

        Args:
            resource: its type and members.
            item_id: its id.
            attributes: all of them.
            linkages: the resource identifier of each relationship.
        """
        shown = read_fields(self.request).get(resource.type, resource.field_names)
        written: dict[str, Any] = {"id": item_id, "type": resource.type}
        if any(name in shown for name in attributes):
            written["attributes"] = {name: value for name, value in attributes.items() if name in shown}
        if any(name in shown for name in linkages):
            related = {name: {"data": identifier} for name, identifier in linkages.items() if name in shown}
            written["relationships"] = related
        return written

    def respond_with_items(
        self, items: list[dict[str, Any]], meta: Mapping[str, Any], *, etag: str | None = None
    ) -> Response:
        """The document of the page of resource objects that the paginator has sliced; ``meta`` has further members."""
        pagination: Any = self.paginator
        figures = {**pagination.get_figures(), **meta, **self.get_document_meta()}
        document = {"data": items, "links": pagination.get_links(), "meta": figures}
        return Response(document, headers={"ETag": f'"{etag}"'} if etag else None)
