"""The API of imports: the six operations of the published page, the changes of an import, and previews.

Each operation makes one call of ``services``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from importsvc.errors import InvalidAttribute
from importsvc.idempotency.decorator import idempotent
from importsvc.imports import selectors, services
from importsvc.imports.api.changes import (
    ATTRIBUTE_SCHEMAS,
    CHANGES,
    LOGGED,
    PLANNED,
    PREVIEW_META,
    UNDOING,
    ChangeWriter,
)
from importsvc.imports.api.filters import ChangeFilterSet, ImportFilterSet, list_changes
from importsvc.imports.api.row_resources import RESOURCES, ReplacementSerializer, RowSerializer
from importsvc.imports.api.serializers import (
    FileImportSerializer,
    ImportRevertSerializer,
    ImportRunSerializer,
    ImportSerializer,
)
from importsvc.imports.api.staged_rows import StagedRowsMixin
from importsvc.imports.errors import ImportInUse, ImportPruned
from importsvc.imports.models import Import
from importsvc.imports.rows import read_attribute
from importsvc.jsonapi.description import described
from importsvc.jsonapi.document.resources import Resource, read_field_names
from importsvc.jsonapi.mixins import ListMixin, RetrieveMixin
from importsvc.jsonapi.request.filters import clean_filters, read_order
from importsvc.jsonapi.request.preconditions import read_if_match, read_version_match
from importsvc.jsonapi.request.preferences import Preferences, read_preferences
from importsvc.jsonapi.request.query import Listing, read_fields
from importsvc.jsonapi.slots import takes_slot
from importsvc.jsonapi.views import JsonApiViewSet
from importsvc.operations.models import Kind

# The actions whose documents are no imports: the fields, and the filters and sort fields of lists.
_RESOURCES: Mapping[str, tuple[Resource, Listing | None]] = {
    **RESOURCES,
    "changes": (LOGGED, Listing(ChangeFilterSet, ("id", "row"))),
    "preview_import": (PLANNED, Listing()),
    "preview_revert": (UNDOING, Listing()),
}

_EXAMPLE = {
    "on_duplicate": "skip",
    "on_row_error": "stage",
    "import_data": {
        "company": [{"name": "Import"}],
        "person": [{"Company": "Import", "First Name": "John", "Last Name": "Doe", "Email": "john@mail.com"}],
    },
}

_preview = partial(described, attributes=ATTRIBUTE_SCHEMAS, meta=PREVIEW_META, errors=("conflict", "invalid_attribute"))


def _measure_staged(view: ImportViewSet) -> int:
    if read_preferences(view.request) == Preferences(respond_async=True):
        return 0  # a worker does what is about these rows
    return selectors.read_staged_size(organization_id=view.organization.pk, import_id=view.get_record_id())


def _require_not_in_use(view: ImportViewSet) -> None:
    if selectors.is_in_use(organization_id=view.organization.pk, import_id=view.get_record_id()):
        raise view.name_operation(ImportInUse(), view.get_record_id())


class ImportViewSet(ListMixin, RetrieveMixin, StagedRowsMixin):
    """``/imports`` (contract, section 2.4)."""

    queryset = Import.objects.all()
    serializer_class = ImportSerializer
    filterset_class = ImportFilterSet
    sort_fields = ("id", "started_at", "processed_at", "reverted_at")
    writable_relationships = {"create": {"import_file": "import_files"}}
    streamed_attributes = {"import_data": read_attribute}
    version = selectors.IMPORT_VERSION
    http_method_names = [*JsonApiViewSet.http_method_names, "delete"]
    paginator: Any

    def get_resource(self) -> Resource:
        """The resource of the action's document."""
        return _RESOURCES[self.action][0] if self.action in _RESOURCES else super().get_resource()

    @classmethod
    def get_known_attributes(cls) -> Collection[str]:
        return read_field_names(
            ImportSerializer, FileImportSerializer, ImportRevertSerializer, ReplacementSerializer, RowSerializer
        )

    def get_document_id(self) -> str | None:
        """The id of the row or of the import that the URL names."""
        if "row" in self.kwargs:
            return f"{self.kwargs['record_type']}-{self.kwargs['row']}"
        return super().get_document_id()

    def get_listing(self) -> Listing | None:
        """The filters and sort fields of the action's list."""
        return _RESOURCES[self.action][1] if self.action in _RESOURCES else super().get_listing()

    @takes_slot()
    @idempotent
    @described(
        "Stage rows",
        serializer=ImportSerializer,
        example=_EXAMPLE,
        alternatives={"import_file": FileImportSerializer},
        is_required=True,
        status=201,
        takes_prefer=True,
    )
    def create(self, request: Request) -> Response:
        """``POST /imports``: check the rows and stage them."""
        file_id = self.read_relationship("import_file")
        serializer_class = ImportSerializer if file_id is None else FileImportSerializer
        attributes = self.read_attributes(serializer_class)
        service: Callable[..., Import] = services.create_import
        given: Any = self.request.data
        if file_id is None and given.get("mapping") is not None:
            raise InvalidAttribute("needs the relationship import_file", attribute="mapping")
        if file_id is not None:
            service, attributes = services.create_import_from_file, {**attributes, "import_file_id": file_id}

        def create() -> int:
            return int(service(organization=self.organization, creator=self.caller, **attributes).pk)

        return self.perform(Kind.CREATE, create, self.respond_created, attributes=attributes)

    @takes_slot(explain=_require_not_in_use)
    @idempotent
    @described(
        "Replace the staged rows",
        serializer=ImportSerializer,
        example=_EXAMPLE,
        is_required=True,
        takes_if_match=True,
        takes_prefer=True,
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """``PATCH /imports/{id}``: replace the staged rows. ``import_data`` is required, as in ``POST``."""
        import_id = self.get_record_id()
        if_match = read_version_match(self.request)
        attributes = self.read_attributes(ImportSerializer, compares_read_only=True)

        def update() -> int:
            others = {name: value for name, value in attributes.items() if name != "import_data"}
            services.update_import(
                organization=self.organization,
                import_id=import_id,
                import_data=attributes["import_data"],
                attributes=others,
                if_match=if_match,
            )
            return import_id

        return self.perform(
            Kind.UPDATE, update, self.respond, attributes=attributes, import_id=import_id, if_match=if_match
        )

    @action(detail=True, methods=["POST"], url_path="import", url_name="import")
    @takes_slot(measure=_measure_staged, explain=_require_not_in_use)
    @idempotent
    @described("Run the import", serializer=ImportRunSerializer, takes_if_match=True, takes_prefer=True)
    def run(self, request: Request, pk: str) -> Response:
        """``POST /imports/{id}/import``: run the import."""
        return self.respond_after(Kind.IMPORT, services.run_import, ImportRunSerializer)

    @run.mapping.get
    @takes_slot(measure=_measure_staged, is_read=True)
    @_preview("Preview a run", component="PlannedChange", previews="run")
    def preview_import(self, request: Request, pk: str) -> Response:
        """``GET /imports/{id}/import``: preview ``POST``."""
        preview = services.preview_import(organization=self.organization, import_id=self.get_record_id())
        page = self.paginator.paginate_sliced(preview.changes, request, count=len(preview.changes))
        meta: dict[str, Any] = {"counts": preview.counts}
        if preview.without_key is not None:
            meta["without_key"] = preview.without_key
        if preview.errors:
            meta |= {"row_errors": preview.errors.detail, **(preview.errors.meta or {})}
        data = list(map(self.change_writer.write_planned, page))
        return self.respond_with_items(data, meta, etag=preview.etag)

    @action(detail=True, methods=["PATCH"])
    @takes_slot(measure=_measure_staged, explain=_require_not_in_use)
    @idempotent
    @described("Revert the import", serializer=ImportRevertSerializer, takes_if_match=True, takes_prefer=True)
    def revert(self, request: Request, pk: str) -> Response:
        """``PATCH /imports/{id}/revert``: undo what the import did."""
        return self.respond_after(Kind.REVERT, services.revert_import, ImportRevertSerializer)

    @revert.mapping.get
    @takes_slot(measure=_measure_staged, is_read=True)
    @_preview("Preview a revert", component="UndoneChange", previews="revert")
    def preview_revert(self, request: Request, pk: str) -> Response:
        """``GET /imports/{id}/revert``: preview ``PATCH``."""
        preview = services.preview_revert(organization=self.organization, import_id=self.get_record_id())
        page = self.paginator.paginate_sliced(preview.changes, request, count=len(preview.changes))
        data = list(map(self.change_writer.write_undoing, page))
        return self.respond_with_items(data, {"counts": preview.counts}, etag=preview.etag)

    @action(detail=True, methods=["GET"])
    @described(
        "List what the import changed", component="LoggedChange", attributes=ATTRIBUTE_SCHEMAS, errors=("conflict",)
    )
    def changes(self, request: Request, pk: str) -> Response:
        """``GET /imports/{id}/changes``: the changes of the import."""
        import_ = services.find_import(import_id=self.get_record_id(), organization=self.organization)
        if import_.pruned_at and import_.processed_at:
            raise ImportPruned(import_)
        changes = list_changes(import_, clean_filters(request, self), read_order(request))
        page = self.paginator.paginate_sliced(changes, request, count=changes.count())
        write = partial(self.change_writer.write_logged, is_reverted=import_.reverted_at is not None)
        return self.respond_with_items(list(map(write, page)), {})

    @property
    def change_writer(self) -> ChangeWriter:
        """Builds resource objects of changes with the requested fields."""
        return ChangeWriter(self.get_resource(), self.get_record_id(), read_fields(self.request).get(CHANGES))

    def respond_created(self, import_id: int) -> Response:
        """The response to a request that has created the import."""
        location = reverse("imports-detail", [import_id], request=self.request)
        return self.respond(import_id, status=status.HTTP_201_CREATED, headers={"Location": location})

    def respond_after(self, kind: Kind, service: Callable[..., object], serializer_class: Any) -> Response:
        """Call the service with the headers and attributes of the request, or queue that, and respond."""
        import_id = self.get_record_id()
        if_match = read_if_match(self.request)
        attributes = self.read_attributes(serializer_class)

        def call() -> int:
            chosen = {"import_id": import_id, "if_match": if_match, "actor": self.actor}
            service(organization=self.organization, **chosen, **attributes)
            return import_id

        return self.perform(kind, call, self.respond, attributes=attributes, import_id=import_id, if_match=if_match)
