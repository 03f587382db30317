"""Operations as resources (docs/asynchronous.md). The API of imports has them: they include imports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import F, QuerySet
from django_filters import FilterSet
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from importsvc.imports.api.serializers import ImportSerializer
from importsvc.jsonapi.description import described
from importsvc.jsonapi.document.fields import ComputedField, JsonApiSerializer, ToOneField
from importsvc.jsonapi.document.queries import compile_record
from importsvc.jsonapi.errors import write_error
from importsvc.jsonapi.mixins import ListMixin, RetrieveMixin
from importsvc.jsonapi.request.filters import IdFilter, WordFilter
from importsvc.jsonapi.request.preferences import make_polling_headers
from importsvc.operations.errors import StoredError
from importsvc.operations.models import Kind, Operation
from importsvc.operations.selectors import (
    STATUSES,
    describe_progress,
    filter_status,
    order_progress,
    show_progress,
    show_status,
)
from importsvc.operations.services import cancel_operation
from organizations.views import OrganizationScopedViewSet
from people.serializers import PersonSerializer


def write_errors(stored: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The stored errors of an operation as error objects: those of the synchronous response."""
    return [write_error(StoredError(error)) for error in stored]


class OperationSerializer(JsonApiSerializer):
    """``operations``, read-only."""

    status = ComputedField(show_status, schema={"type": "string", "enum": list(STATUSES)})
    progress = ComputedField(show_progress, write=order_progress, schema=describe_progress())
    attempts = ComputedField(lambda prefix: F(f"{prefix}progress__attempts"), schema={"type": "integer"})
    errors = ComputedField(
        lambda prefix: F(f"{prefix}errors"),
        write=write_errors,
        schema={"type": "array", "items": {"$ref": "#/components/schemas/Error"}},
    )
    started_at = ComputedField(
        lambda prefix: F(f"{prefix}progress__started_at"),
        is_time_stamp=True,
        schema={"type": ["string", "null"], "format": "date-time"},
    )
    creator = ToOneField("people")

    included_serializers = {"import": ImportSerializer, "creator": PersonSerializer}

    class Meta:
        model = Operation
        resource_name = "operations"
        fields = [
            "id",
            "kind",
            "status",
            "progress",
            "attempts",
            "errors",
            "queued_at",
            "started_at",
            "finished_at",
            "import",
            "creator",
        ]
        read_only_fields = ["kind", "queued_at", "finished_at"]

    def get_fields(self) -> dict[str, Any]:
        """Add the field whose name is a keyword of Python."""
        self._declared_fields["import"] = ToOneField("imports", source="import_record")
        fields: dict[str, Any] = super().get_fields()
        return fields


class StatusFilter(WordFilter):
    """By the statuses that are shown."""

    def filter(self, queryset: QuerySet[Any, Any], values: Sequence[str]) -> QuerySet[Any, Any]:
        """The operations with one of the statuses."""
        return filter_status(queryset, values)


class OperationFilterSet(FilterSet):
    """``filter[status]``, ``filter[kind]`` and ``filter[import_id]``."""

    status = StatusFilter(words=lambda: STATUSES)
    kind = WordFilter(words=lambda: Kind.values)
    import_id = IdFilter(field_name="import_record_id")

    class Meta:
        model = Operation
        fields: list[str] = []


class OperationViewSet(ListMixin, RetrieveMixin, OrganizationScopedViewSet):
    """``/operations``."""

    queryset = Operation.objects.all()
    serializer_class = OperationSerializer
    filterset_class = OperationFilterSet

    def retrieve(self, request: Request, pk: str) -> Response:
        """``GET /operations/{id}``, with ``Retry-After`` until it is finished."""
        parameters = self.get_parameters()
        # Before the document: at worst a client looks once more at an operation that has finished meanwhile.
        query = compile_record(type(self), tuple(parameters), ("finished_at",))
        unfinished = query.fetch(pk=self.get_record_id(), **parameters) == [(None,)]
        return self.respond(self.get_record_id(), headers=make_polling_headers(is_finished=not unfinished))

    @action(detail=True, methods=["POST"])
    @described("Cancel an operation", serializer=OperationSerializer)
    def cancel(self, request: Request, pk: str) -> Response:
        """``POST /operations/{id}/cancel``: end the work, which leaves nothing behind."""
        operation_id = self.get_record_id()
        self.read_attributes(OperationSerializer)
        cancel_operation(organization=self.organization, operation_id=operation_id)
        return self.respond(operation_id)
