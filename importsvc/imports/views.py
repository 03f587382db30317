"""Imports over HTTP: the six operations of the published page. Each makes one call of ``services``."""

from __future__ import annotations

from typing import Any

from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from importsvc.imports import services
from importsvc.imports.filters import ImportFilterSet
from importsvc.imports.models import Import
from importsvc.imports.serializers import ImportRevertSerializer, ImportRunSerializer, ImportSerializer
from importsvc.jsonapi.errors import RequestError
from importsvc.jsonapi.views import ListMixin, RetrieveMixin
from organizations.views import OrganizationScopedViewSet


class ImportViewSet(ListMixin, RetrieveMixin, OrganizationScopedViewSet):
    """``/imports``: staged, corrected, applied and undone (contract, section 2.4)."""

    queryset = Import.objects.all()
    serializer_class = ImportSerializer
    filterset_class = ImportFilterSet
    sort_fields = ("id", "started_at", "processed_at", "reverted_at")

    def create(self, request: Request) -> Response:
        """``POST /imports``: check the rows and stage them."""
        attributes = self.read_attributes(ImportSerializer, document_required=True)
        import_ = services.create_import(organization=self.organization, creator=self.caller, **attributes)
        location = reverse("imports-detail", [import_.pk], request=request)
        return self.respond(import_.pk, status=status.HTTP_201_CREATED, headers={"Location": location})

    def partial_update(self, request: Request, pk: str) -> Response:
        """``PATCH /imports/{id}``: replace the staged rows. ``import_data`` is due, as in ``POST``."""
        import_id = self.get_record_id()
        attributes = self.read_attributes(ImportSerializer, document_required=True)
        services.update_import(
            organization=self.organization,
            import_id=import_id,
            import_data=attributes.pop("import_data"),
            attributes=attributes,
        )
        return self.respond(import_id)

    @action(detail=True, methods=["POST"], url_path="import", url_name="import")
    def run(self, request: Request, pk: str) -> Response:
        """``POST /imports/{id}/import``: turn rows into records."""
        import_id = self.get_record_id()
        attributes = self.read_attributes(ImportRunSerializer)
        services.run_import(organization=self.organization, import_id=import_id, **attributes)
        return self.respond(import_id)

    @action(detail=True, methods=["PATCH"])
    def revert(self, request: Request, pk: str) -> Response:
        """``PATCH /imports/{id}/revert``: undo exactly what the import did."""
        import_id = self.get_record_id()
        self.read_attributes(ImportRevertSerializer)
        services.revert_import(organization=self.organization, import_id=import_id)
        return self.respond(import_id)

    def read_attributes(self, serializer_class: Any, *, document_required: bool = False) -> dict[str, Any]:
        """The clean attributes of the request's document.

        Raises:
            RequestError: there is no body where one is due.
            ValidationError: an attribute is not acceptable.
        """
        if document_required and self.request.stream is None:
            raise RequestError("bad_request", "The request has no body")
        serializer = serializer_class(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        attributes = dict(serializer.validated_data)
        # The rows may be hundreds of megabytes. Request and serializer are parts of circles of references, and would
        # keep them until the garbage collector comes by.
        serializer.validated_data.clear()
        if self.request.stream is not None:
            self.request.data.clear()
        return attributes
