"""The API of files and saved mappings."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.http import HttpResponse
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from importsvc.files import services
from importsvc.files.api.filters import ImportFileFilterSet, ImportModelFilterSet
from importsvc.files.api.ready_made import LISTING, OF_READY_MADE, READY_MADE
from importsvc.files.api.serializers import (
    ImportFileSerializer,
    ImportModelSerializer,
    NewImportModelSerializer,
)
from importsvc.files.mapping.templates import Format
from importsvc.files.models import ImportFile, ImportModel
from importsvc.http.downloads import attach
from importsvc.idempotency.decorator import idempotent
from importsvc.jsonapi.description import described
from importsvc.jsonapi.document.resources import Resource, read_field_names
from importsvc.jsonapi.mixins import ItemsMixin, ListMixin, RetrieveMixin
from importsvc.jsonapi.request.query import Listing
from importsvc.jsonapi.request.uploads import read_upload
from importsvc.jsonapi.slots import takes_slot
from importsvc.jsonapi.views import JsonApiViewSet
from organizations.views import OrganizationScopedViewSet

_EXAMPLE = {
    "name": "Contacts",
    "columns": [
        {"headers": ["Vorname"], "targets": ["person.first_name"]},
        {"headers": ["E-Mail"], "targets": ["person.email"]},
    ],
    "ignored": ["*"],
}


def _measure_file(view: ImportFileViewSet) -> int:
    return services.read_size(organization=view.organization, file_id=view.get_record_id())


class ImportFileViewSet(ListMixin, RetrieveMixin, OrganizationScopedViewSet):
    """``/import_files``."""

    queryset = ImportFile.objects.all()
    serializer_class = ImportFileSerializer
    filterset_class = ImportFileFilterSet
    file_actions = frozenset({"create"})
    largest_body = 1 << 20

    @takes_slot()
    @idempotent
    @described("Upload a file", takes_file=True, status=201, errors=("invalid_attribute",))
    def create(self, request: Request) -> Response:
        """``POST /import_files``: store the file, and respond with what was detected in it."""
        uploaded = read_upload(request)
        file = services.create_import_file(
            organization=self.organization,
            creator=self.caller,
            content=uploaded.content,
            sha256=uploaded.sha256,
            name=uploaded.name,
            content_type=uploaded.content_type,
        )
        location = reverse("import_files-detail", [file.pk], request=request)
        return self.respond(file.pk, status=status.HTTP_201_CREATED, headers={"Location": location})

    @takes_slot(measure=_measure_file)
    @idempotent
    @described(
        "Set options of a file",
        serializer=ImportFileSerializer,
        example={"encoding": "windows-1252", "date_order": "dmy"},
        is_required=True,
        is_partial=True,
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """``PATCH /import_files/{id}``: set options, and detect again; null goes back to the guess."""
        file_id = self.get_record_id()
        options = self.read_attributes(ImportFileSerializer, partial=True, compares_read_only=True)
        services.update_import_file(organization=self.organization, file_id=file_id, options=options)
        return self.respond(file_id)


class ImportModelViewSet(ListMixin, RetrieveMixin, ItemsMixin, OrganizationScopedViewSet):
    """``/import_models``."""

    queryset = ImportModel.objects.all()
    serializer_class = ImportModelSerializer
    filterset_class = ImportModelFilterSet
    http_method_names = [*JsonApiViewSet.http_method_names, "delete"]
    largest_body = 1 << 20
    paginator: Any

    @classmethod
    def get_known_attributes(cls) -> Collection[str]:
        return read_field_names(NewImportModelSerializer)

    def get_resource(self) -> Resource:
        """The resource of the action's document."""
        return READY_MADE if self.action == "ready_made" else super().get_resource()

    def get_listing(self) -> Listing | None:
        """The filters and sort fields of the action's list."""
        return LISTING if self.action == "ready_made" else super().get_listing()

    @action(detail=False, methods=["GET"])
    @described("List the ready-made mappings", component="ReadyMadeMapping", attributes=OF_READY_MADE)
    def ready_made(self, request: Request) -> Response:
        """``GET /import_models/ready_made``: the mappings that ``copy_of`` may name."""
        known = services.list_ready_made()
        page = self.paginator.paginate_sliced(known, request, count=len(known))
        items = [self.write_item(READY_MADE, key, attributes, {}) for key, attributes in page]
        return self.respond_with_items(items, {})

    @action(detail=True, methods=["GET"], url_path=r"template\.csv", url_name="template-csv")
    @described("Download a template as CSV", file_type=services.TEMPLATE_TYPES["csv"], errors=("invalid_attribute",))
    def template_csv(self, request: Request, pk: str) -> HttpResponse:
        """``GET /import_models/{id}/template.csv``: an empty file with the headers of the mapping."""
        return self._respond_with_template("csv")

    @action(detail=True, methods=["GET"], url_path=r"template\.xlsx", url_name="template-xlsx")
    @described("Download a template as XLSX", file_type=services.TEMPLATE_TYPES["xlsx"], errors=("invalid_attribute",))
    def template_xlsx(self, request: Request, pk: str) -> HttpResponse:
        """``GET /import_models/{id}/template.xlsx``: the same with a sheet that explains the columns."""
        return self._respond_with_template("xlsx")

    @takes_slot()
    @idempotent
    @described("Save a mapping", serializer=NewImportModelSerializer, example=_EXAMPLE, is_required=True, status=201)
    def create(self, request: Request) -> Response:
        """``POST /import_models``: save a mapping, which may be a copy of a ready-made one."""
        attributes = self.read_attributes(NewImportModelSerializer)
        model = services.create_import_model(organization=self.organization, creator=self.caller, **attributes)
        location = reverse("import_models-detail", [model.pk], request=request)
        return self.respond(model.pk, status=status.HTTP_201_CREATED, headers={"Location": location})

    @takes_slot()
    @idempotent
    @described(
        "Change a saved mapping",
        serializer=ImportModelSerializer,
        example={"on_duplicate": "update", "match_by": "email"},
        is_required=True,
        is_partial=True,
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """``PATCH /import_models/{id}``: change the attributes that the document has."""
        model_id = self.get_record_id()
        attributes = self.read_attributes(ImportModelSerializer, partial=True, compares_read_only=True)
        services.update_import_model(organization=self.organization, model_id=model_id, **attributes)
        return self.respond(model_id)

    @idempotent
    @described("Delete a saved mapping", has_data=False)
    def destroy(self, request: Request, pk: str) -> Response:
        """``DELETE /import_models/{id}``. Imports keep its number. The document has only ``meta``."""
        services.delete_import_model(organization=self.organization, model_id=self.get_record_id())
        return Response({"meta": self.get_document_meta()})

    def _respond_with_template(self, format_: Format) -> HttpResponse:
        template = services.make_template(organization=self.organization, model_id=self.get_record_id(), format=format_)
        return attach(template.content, name=template.name, content_type=self.file_type)
