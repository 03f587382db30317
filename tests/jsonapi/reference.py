"""Documents the slow way: djangorestframework-jsonapi's own serializers and resource objects, one record at a time.

What ``importsvc.jsonapi.compiled`` makes must be the same to the last byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import Any

from django.db.models import QuerySet
from django.test import RequestFactory
from rest_framework.request import Request
from rest_framework_json_api.renderers import JSONRenderer
from rest_framework_json_api.utils import get_included_resources

from importsvc.jsonapi.pagination import PageNumberPagination
from importsvc.jsonapi.views import JsonApiViewSet
from people.services import NewOrganization

ResourceObject = dict[str, Any]


def build_document(serializer_class: Any, records: Sequence[Any], request: Request, zone: tzinfo) -> dict[str, Any]:
    """``data``, a list, and ``included``, if there is any, of a document about these records."""
    serializer = serializer_class(records, many=True, context={"request": request, "time_zone": zone})
    data = _resource_objects(serializer)
    document: dict[str, Any] = {"data": data}
    paths: Sequence[str] = get_included_resources(request, serializer_class)
    if request.query_params.get("include") == "":
        paths = []
    if paths or "include" in request.query_params:
        document["included"] = _included(serializer, paths, {_key(resource) for resource in data})
    return document


def _included(serializer: Any, paths: Sequence[str], seen: set[tuple[str, str]]) -> list[ResourceObject]:
    included: list[ResourceObject] = []
    for name, related_class in serializer.child.included_serializers.items():
        deeper = [path.removeprefix(f"{name}.") for path in paths if path.startswith(f"{name}.")]
        if name in paths or deeper:
            records = [related for record in serializer.instance if (related := getattr(record, name)) is not None]
            distinct = list({record.pk: record for record in records}.values())
            related = related_class(distinct, many=True, context=serializer.context)
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
    """Pages by nothing but ``LIMIT`` and ``OFFSET``."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        """The records of the page."""
        if not super().paginate_queryset(queryset, request, view):
            return queryset.none()
        return queryset[(self.number - 1) * self.size : self.number * self.size]


def answer_slowly(view_class: type[JsonApiViewSet], caller: NewOrganization, path: str, record_id: Any = None) -> bytes:
    """What ``GET`` of a path is answered by a view that makes documents the slow way; ``record_id`` is in the path."""

    class SlowView(view_class):  # type: ignore[valid-type,misc]
        pagination_class = PlainPagination

        def build_document(self, records: QuerySet[Any]) -> dict[str, Any]:
            return build_document(self.serializer_class, list(records), self.request, self.time_zone)

    headers = {"X-Auth-Token": caller.token, "X-Organization-Id": str(caller.organization.pk)}
    request = RequestFactory().get(f"/api/v2/{path}", headers=headers)
    if record_id is None:
        response = SlowView.as_view({"get": "list"})(request)
    else:
        response = SlowView.as_view({"get": "retrieve"})(request, pk=str(record_id))
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
