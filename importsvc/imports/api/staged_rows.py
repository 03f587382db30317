"""The API of staged rows, their errors and corrections (docs/row-errors.md)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.http import FileResponse
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from importsvc.idempotency.decorator import idempotent
from importsvc.imports import services
from importsvc.imports.api.asynchronous import AsynchronousMixin
from importsvc.imports.api.row_resources import (
    COUNT_META,
    ERRORS,
    OF_ERRORS,
    OF_ROWS,
    PLACE,
    ROWS,
    SUMMARY_META,
    CheckSerializer,
    ReplacementSerializer,
    RowSerializer,
    describe_error,
    describe_row,
    name_error,
    name_row,
)
from importsvc.imports.error_file_response import MEDIA_TYPES, respond_with_error_file
from importsvc.imports.services import ANY_VALUE
from importsvc.jsonapi.description import described
from importsvc.jsonapi.document.resources import Resource
from importsvc.jsonapi.mixins import ItemsMixin
from importsvc.jsonapi.request.filters import LARGEST_INTEGER, clean_filters, filter_records
from importsvc.jsonapi.request.preconditions import read_version_match
from importsvc.jsonapi.slots import takes_slot
from importsvc.operations.models import Kind

_OF_ERROR_FILES = ("conflict", "invalid_attribute")


class StagedRowsMixin(ItemsMixin, AsynchronousMixin):
    """The errors and the rows of an import, and what corrects them."""

    paginator: Any

    def read_present(self, names: Collection[str]) -> dict[str, Any]:
        """The row that the URL names as it is now, or the import."""
        return self._write_row(self._find_row()) if "row" in self.kwargs else super().read_present(names)

    @action(detail=True, methods=["GET"])
    @described(
        "List the errors of the rows",
        component="RowError",
        attributes=OF_ERRORS,
        meta=SUMMARY_META,
        errors=("conflict",),
    )
    def errors(self, request: Request, pk: str) -> Response:
        """``GET /imports/{id}/errors``: the errors of the staged rows, and ``meta.summary``."""
        import_ = services.find_import(import_id=self.get_record_id(), organization=self.organization)
        services.require_rows_kept(import_)
        errors = filter_records(request, services.select_errors(import_), self)
        count = errors.count()
        page = self.paginator.paginate_sliced(errors.order_by("record_type", "row", "number"), request, count=count)
        data = [self._write(ERRORS, name_error(error), describe_error(error)) for error in page]
        return self.respond_with_items(data, {"summary": services.summarize_errors(import_)})

    @action(detail=True, methods=["GET"], url_path=r"errors\.csv", url_name="errors-csv")
    @takes_slot()
    @described("Download the rows that have errors as CSV", file_type="text/csv", errors=_OF_ERROR_FILES)
    def errors_csv(self, request: Request, pk: str) -> FileResponse:
        """``GET /imports/{id}/errors.csv``: an error file, which can be uploaded again."""
        return self._respond_with_error_file("csv")

    @action(detail=True, methods=["GET"], url_path=r"errors\.xlsx", url_name="errors-xlsx")
    @takes_slot()
    @described("Download the rows that have errors as XLSX", file_type=MEDIA_TYPES["xlsx"], errors=_OF_ERROR_FILES)
    def errors_xlsx(self, request: Request, pk: str) -> FileResponse:
        """``GET /imports/{id}/errors.xlsx``: an error file, which can be uploaded again."""
        return self._respond_with_error_file("xlsx")

    def _respond_with_error_file(self, file_format: services.ErrorFileFormat) -> FileResponse:
        return respond_with_error_file(
            organization=self.organization, import_id=self.get_record_id(), file_format=file_format
        )

    @action(detail=True, methods=["GET"])
    @takes_slot(is_read=True)
    @described(
        "List the staged rows",
        component="StagedRow",
        attributes=OF_ROWS,
        errors=("conflict", "invalid_attribute"),
    )
    def rows(self, request: Request, pk: str) -> Response:
        """``GET /imports/{id}/rows``: the staged rows with their errors."""
        given = clean_filters(request, self)
        has_errors = given.get("has_errors", ())
        rows = services.list_rows(
            organization=self.organization,
            import_id=self.get_record_id(),
            record_types=given.get("record_type"),
            has_errors=has_errors[0] == "true" if len(set(has_errors)) == 1 else None,
        )
        page = self.paginator.paginate_sliced(rows, request, count=len(rows))
        return self.respond_with_items([self._write_row(row) for row in page], {})

    @action(
        detail=True,
        methods=["GET"],
        url_path="rows/(?P<record_type>[a-z_]{1,63})/(?P<row>[1-9][0-9]{0,9})",
        url_name="row",
    )
    @described(
        "Read a staged row",
        component="StagedRow",
        attributes=OF_ROWS,
        path_parameters=PLACE,
        errors=("conflict", "invalid_attribute"),
    )
    def row(self, request: Request, pk: str, record_type: str, row: str) -> Response:
        """``GET /imports/{id}/rows/{type}/{row}``: a staged row with its errors."""
        return Response({"data": self._write_row(self._find_row()), "meta": self.get_document_meta()})

    @row.mapping.patch
    @takes_slot()
    @idempotent
    @described(
        "Correct cells of a staged row",
        serializer=RowSerializer,
        example={"cells": {"tag_list": "customer, import"}},
        is_required=True,
        takes_if_match=True,
        component="StagedRow",
        attributes=OF_ROWS,
        meta=COUNT_META,
        path_parameters=PLACE,
    )
    def correct_row(self, request: Request, pk: str, record_type: str, row: str) -> Response:
        """``PATCH /imports/{id}/rows/{type}/{row}``: set cells; null removes one."""
        attributes = self.read_attributes(RowSerializer, compares_read_only=True)
        place = self._get_place()
        import_ = services.correct_row(
            organization=self.organization, if_match=read_version_match(request), **place, **attributes
        )
        corrected = services.read_row(import_, place["record_type"], place["row"])
        meta = {"error_count": import_.error_count, **self.get_document_meta()}
        return Response({"data": self._write_row(corrected), "meta": meta})

    @row.mapping.delete
    @takes_slot()
    @idempotent
    @described(
        "Delete a staged row",
        has_data=False,
        takes_if_match=True,
        meta=COUNT_META,
        path_parameters=PLACE,
        errors=("conflict", "invalid_attribute"),
    )
    def delete_row(self, request: Request, pk: str, record_type: str, row: str) -> Response:
        """``DELETE /imports/{id}/rows/{type}/{row}``: delete the row. The document has only ``meta``."""
        import_ = services.delete_row(
            organization=self.organization, if_match=read_version_match(request), **self._get_place()
        )
        return Response({"meta": {"error_count": import_.error_count, **self.get_document_meta()}})

    @action(detail=True, methods=["POST"])
    @takes_slot()
    @idempotent
    @described(
        "Replace a value in a column of all rows",
        serializer=ReplacementSerializer,
        example={"record_type": "person", "column": "email", "from": "john@mail.com", "to": "jane@mail.com"},
        is_required=True,
        takes_if_match=True,
        meta={"replaced_count": {"type": "integer", "minimum": 0}, **COUNT_META},
    )
    def replacements(self, request: Request, pk: str) -> Response:
        """``POST /imports/{id}/replacements``: replace a value in every row of a type that has it."""
        attributes = self.read_attributes(ReplacementSerializer)
        import_, count = services.replace_value(
            organization=self.organization,
            import_id=self.get_record_id(),
            record_type=attributes["record_type"],
            column=attributes["column"],
            old=attributes.get("from", ANY_VALUE),
            to=attributes["to"],
            if_match=read_version_match(request),
        )
        response = self.respond(self.get_record_id())
        figures = {"replaced_count": count, "error_count": import_.error_count}
        response.data["meta"] = {**figures, **response.data["meta"]}
        return response

    @action(detail=True, methods=["POST"])
    @takes_slot()
    @idempotent
    @described("Check all staged rows again", serializer=CheckSerializer, takes_if_match=True, takes_prefer=True)
    def check(self, request: Request, pk: str) -> Response:
        """``POST /imports/{id}/check``: find all errors again, against what the organization has now."""
        import_id = self.get_record_id()
        if_match = read_version_match(request)
        self.read_attributes(CheckSerializer)

        def check() -> int:
            services.check_import(organization=self.organization, import_id=import_id, if_match=if_match)
            return import_id

        return self.perform(Kind.CHECK, check, self.respond, attributes={}, import_id=import_id, if_match=if_match)

    def _get_place(self) -> dict[str, Any]:
        row = int(self.kwargs["row"])
        if row > LARGEST_INTEGER:
            raise NotFound
        return {"import_id": self.get_record_id(), "record_type": self.kwargs["record_type"], "row": row}

    def _find_row(self) -> services.RowWithErrors:
        return services.find_row(organization=self.organization, **self._get_place())

    def _write_row(self, row: services.RowWithErrors) -> dict[str, Any]:
        return self._write(ROWS, name_row(row), describe_row(row))

    def _write(self, resource: Resource, name: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
        linkage = {"type": "imports", "id": str(self.get_record_id())}
        return self.write_item(resource, name, attributes, {"import": linkage})
