"""Documents made by djangorestframework-jsonapi's own serializers, one record at a time.

What ``importsvc.jsonapi.document.compiled`` makes must be the same to the last byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from functools import partial
from types import SimpleNamespace
from typing import Any

from django.db.models import QuerySet
from django.test import RequestFactory
from rest_framework.fields import SerializerMethodField
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_json_api.renderers import JSONRenderer
from rest_framework_json_api.serializers import ModelSerializer
from rest_framework_json_api.utils import get_included_resources

from importsvc.changelog.models import Change
from importsvc.imports.api.views import ImportViewSet
from importsvc.jsonapi.document.fields import (
    ComputedField,
    EmptyToOneField,
    TimestampField,
    ToOneField,
    write_time_stamp,
)
from importsvc.jsonapi.document.pagination import PageNumberPagination
from importsvc.jsonapi.views import JsonApiViewSet
from people.services import NewOrganization

ResourceObject = dict[str, Any]


def build_document(serializer_class: Any, records: Sequence[Any], request: Request, zone: tzinfo) -> dict[str, Any]:
    """``data``, a list, and ``included``, if there is any, of a document about these records."""
    serializer = serializer_class(records, many=True, context={"request": request, "time_zone": zone})
    _let_write(serializer)
    data = _resource_objects(serializer)
    document: dict[str, Any] = {"data": data}
    paths: Sequence[str] = get_included_resources(request, serializer_class)
    if request.query_params.get("include") == "":
        paths = []
    if paths or "include" in request.query_params:
        document["included"] = _included(serializer, paths, {_key(resource) for resource in data})
    return document


def _let_write(serializer: Any) -> None:
    """Let the fields of a serializer write, and leave out those shown on request. In the product they only declare."""
    child, request, zone = serializer.child, serializer.context["request"], serializer.context["time_zone"]
    if f"fields[{child.Meta.resource_name}]" not in request.query_params:
        for name in getattr(child.Meta, "fields_on_request", ()):
            child.fields.pop(name)
    for field in child.fields.values():
        if isinstance(field, ComputedField):
            compute = partial(_compute, field, serializer.instance, {})
            field.get_attribute = compute  # type: ignore[method-assign]
            field.to_representation = partial(_write_computed, field, zone=zone)  # type: ignore[method-assign]
        elif isinstance(field, TimestampField):
            field.to_representation = partial(write_time_stamp, zone=zone)  # type: ignore[method-assign]
        elif isinstance(field, ToOneField):
            _let_write_linkage(field)


def _compute(field: ComputedField, records: Sequence[Any], values: dict[Any, Any], record: Any) -> Any:
    """The value of a field that the database computes, for all records by one query of its own."""
    if not values:
        found = type(record)._default_manager.filter(pk__in=[each.pk for each in records])
        rows = list(found.values_list("pk", field.compute("")))
        values.update(rows)
        assert len(values) == len(rows)
    return values[record.pk]


def _write_computed(field: ComputedField, value: Any, *, zone: tzinfo) -> Any:
    if field.is_time_stamp:
        return write_time_stamp(value, zone)
    return field.write(value) if field.write else value


def _let_write_linkage(field: Any) -> None:
    # Where djangorestframework-jsonapi looks for the type of a relation before it looks at models.
    field.Meta = SimpleNamespace(resource_name=field.resource_type)
    field.use_pk_only_optimization = lambda: True
    if isinstance(field, EmptyToOneField):
        field.get_attribute = lambda instance: None
    if not isinstance(field, RecordField):
        field.to_representation = partial(_write_linkage, field)


def _write_linkage(field: ToOneField, record: Any) -> dict[str, Any]:
    return {"type": field.resource_type, "id": field.id_type(record.pk)}


def _included(serializer: Any, paths: Sequence[str], seen: set[tuple[str, str]]) -> list[ResourceObject]:
    included: list[ResourceObject] = []
    for name, related_class in serializer.child.included_serializers.items():
        deeper = [path.removeprefix(f"{name}.") for path in paths if path.startswith(f"{name}.")]
        if name in paths or deeper:
            source = serializer.child.fields[name].source
            records = [related for record in serializer.instance if (related := getattr(record, source)) is not None]
            distinct = list({record.pk: record for record in records}.values())
            related = related_class(distinct, many=True, context=serializer.context)
            _let_write(related)
            for resource in _resource_objects(related):
                if _key(resource) not in seen:
                    seen.add(_key(resource))
                    included.append(resource)
            included += _included(related, deeper, seen)
    return included


def _resource_objects(serializer: Any) -> list[ResourceObject]:
    return [
        {"id": built.pop("id"), **built}
        for built in (
            JSONRenderer.build_json_resource_obj(
                serializer.child.fields,
                representation,
                record,
                serializer.child.Meta.resource_name,
                serializer.child,
            )
            for record, representation in zip(serializer.instance, serializer.data, strict=True)
        )
    ]


def _key(resource: Mapping[str, Any]) -> tuple[str, str]:
    return resource["type"], resource["id"]


class PlainPagination(PageNumberPagination):
    """Pages by ``LIMIT`` and ``OFFSET`` only."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        """The records of the page."""
        if not super().paginate_queryset(queryset, request, view):
            return queryset.none()
        return queryset[(self.number - 1) * self.size : self.number * self.size]


def answer_slowly(view_class: type[JsonApiViewSet], caller: NewOrganization, path: str, record_id: Any = None) -> bytes:
    """The response to ``GET`` of a path by a view with slow documents; ``record_id`` is the id in the path."""

    class SlowView(view_class):  # type: ignore[valid-type,misc]
        pagination_class = PlainPagination

        def list(self, request: Request) -> Response:
            records = self.filter_queryset(self.get_queryset())
            page = self.paginator.paginate_queryset(records, request, self)
            links, figures = self.paginator.get_links(), self.paginator.get_figures()
            return self.answer(page, links=links, meta={**figures, **self.get_document_meta()})

        def retrieve(self, request: Request, pk: str) -> Response:
            return self.answer(self.get_queryset().filter(pk=pk), meta=self.get_document_meta())

        def answer(self, records: QuerySet[Any], **members: Any) -> Response:
            document = build_document(self.serializer_class, [*records], self.request, self.time_zone)
            if self.action == "retrieve":
                (document["data"],) = document["data"]
            return Response({**document, **members})

    headers = {"X-Auth-Token": caller.token, "X-Organization-Id": str(caller.organization.pk)}
    request = RequestFactory().get(f"/api/v2/{path}", headers=headers)
    if record_id is None:
        response = SlowView.as_view({"get": "list"})(request)
    else:
        response = SlowView.as_view({"get": "retrieve"})(request, pk=str(record_id))
    content: bytes = response.render().content
    assert response.status_code == 200, content
    return content


RECORD_TYPES = {"company": "companies", "person": "people"}


class RecordField(ToOneField):
    """Linkage to the record that a change is about, whether it exists or not."""

    def get_attribute(self, instance: Change) -> Any:
        """The change itself."""
        return instance

    def to_representation(self, value: Change) -> dict[str, Any]:
        """A resource identifier object."""
        return {"type": RECORD_TYPES[value.record_type], "id": str(value.record_id)}


class ChangeSerializer(ModelSerializer):
    """``import_changes`` of the change log."""

    outcome = SerializerMethodField()
    record = RecordField("", source="pk")

    class Meta:
        model = Change
        resource_name = "import_changes"
        fields = ["id", "row", "action", "before", "after", "outcome", "kept_fields", "import", "record"]

    def get_fields(self) -> dict[str, Any]:
        """Add the field whose name is a keyword of Python."""
        self._declared_fields["import"] = ToOneField("imports", source="import_record")
        fields: dict[str, Any] = super().get_fields()
        return fields

    def get_outcome(self, change: Change) -> str | None:
        """The outcome of a revert."""
        if change.import_record.reverted_at is None or change.outcome is not None:
            return change.outcome
        return {"created": "removed", "updated": "restored"}[change.action]


def answer_changes_slowly(caller: NewOrganization, path: str, import_id: str) -> bytes:
    """The response to ``GET imports/{id}/changes`` by a view with slow documents."""

    class SlowView(ImportViewSet):
        def respond_with_items(
            self, items: list[dict[str, Any]], meta: Mapping[str, Any], *, etag: str | None = None
        ) -> Response:
            records = [Change.objects.get(pk=resource["id"]) for resource in items]
            slow = build_document(ChangeSerializer, records, self.request, self.time_zone)["data"]
            return super().respond_with_items(slow, meta, etag=etag)

    headers = {"X-Auth-Token": caller.token, "X-Organization-Id": str(caller.organization.pk)}
    request = RequestFactory().get(f"/api/v2/{path}", headers=headers)
    response = SlowView.as_view({"get": "changes"})(request, pk=import_id)
    content: bytes = response.render().content
    assert response.status_code == 200, content
    return content


def write_rows(records: Iterable[Any], columns: Iterable[str]) -> list[tuple[Any, ...]]:
    """The rows that ``values_list(*columns)`` would read of these records, without a database."""

    def read(record: Any, column: str) -> Any:
        name, _, rest = column.partition("__")
        value = getattr(record, name)
        return read(value, rest) if rest and value is not None else value

    columns = list(columns)
    return [tuple(read(record, column) for column in columns) for record in records]
