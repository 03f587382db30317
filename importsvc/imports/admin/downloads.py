"""Downloads of an import: its staged rows and its changes, streamed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin

from importsvc.changelog.models import Change
from importsvc.errors import DomainError
from importsvc.http.downloads import attach_parts
from importsvc.imports.admin.conflicts import write_conflicts
from importsvc.imports.admin.revert_report import write_report
from importsvc.imports.error_file_response import MEDIA_TYPES, respond_with_error_file
from importsvc.imports.formatting import describe_refusal
from importsvc.imports.models import Import
from importsvc.imports.services import ErrorFileFormat, get_resource_type, read_conflicts
from importsvc.imports.staging import read_document
from importsvc.spool import SpooledFile
from importsvc.text.csv_cells import harmless
from importsvc.text.display import describe_value

CSV = "text/csv; charset=utf-8"
PART_BYTES = 64 * 1024
CHANGES_AT_ONCE = 2_000
CSV_COLUMNS = ("row", "type", "id", "action", "field", "before", "after", "outcome", "kept")


class DownloadAdmin(ModelAdmin):
    """The download views, for users who have the permission to view the import."""

    def get_urls(self) -> list[URLPattern]:
        """The URLs of the admin and of the downloads."""
        return [
            path(
                "<int:import_id>/staged.json",
                self.admin_site.admin_view(self.staged_data_view),
                name="imports_import_staged_data",
            ),
            path(
                "<int:import_id>/changes.csv",
                self.admin_site.admin_view(self.changes_view),
                name="imports_import_changes",
            ),
            path(
                "<int:import_id>/revert.csv",
                self.admin_site.admin_view(self.report_view),
                name="imports_import_revert_report",
            ),
            path(
                "<int:import_id>/conflicts.csv",
                self.admin_site.admin_view(self.conflicts_view),
                name="imports_import_conflicts",
            ),
            *(
                path(
                    f"<int:import_id>/errors.{file_format}",
                    self.admin_site.admin_view(self.errors_view),
                    {"file_format": file_format},
                    name=f"imports_import_errors_{file_format}",
                )
                for file_format in MEDIA_TYPES
            ),
            *super().get_urls(),
        ]

    def staged_data_view(self, request: HttpRequest, import_id: int) -> StreamingHttpResponse:
        """The staged rows as one JSON document, with the text of rows as submitted."""
        import_ = self._find(request, import_id)
        document = read_document(import_.organization_id, import_id)
        return _attach(document, f"import-{import_id}.json", "application/json")

    def changes_view(self, request: HttpRequest, import_id: int) -> StreamingHttpResponse:
        """The changes as CSV: a line for each column of each change, with its values before and after."""
        import_ = self._find(request, import_id)
        return _attach(write_changes(import_), f"import-{import_id}-changes.csv", CSV)

    def report_view(self, request: HttpRequest, import_id: int) -> StreamingHttpResponse:
        """The report of the revert as CSV, for the customer."""
        import_ = self._find(request, import_id)
        if import_.reverted_at is None:
            raise Http404
        return _attach(_write_lines(write_report(import_)), f"import-{import_id}-revert.csv", CSV)

    def conflicts_view(self, request: HttpRequest, import_id: int) -> HttpResponseBase:
        """The conflicts of a revert now, as CSV. A refusal is a message on the page of the import."""
        import_ = self._find(request, import_id)
        try:
            # All of it before the response begins: a client that reads slowly must not keep the transaction open.
            content = read_conflicts(
                organization=import_.organization,
                import_id=import_id,
                read=lambda conflicts: _spool(write_conflicts(conflicts)),
            )
        except DomainError as error:
            messages.error(request, describe_refusal(error))
            return redirect("admin:imports_import_change", import_id)
        parts = iter(partial(content.open().read, PART_BYTES), b"")
        return attach_parts(parts, name=f"import-{import_id}-conflicts.csv", content_type=CSV)

    def errors_view(self, request: HttpRequest, import_id: int, file_format: ErrorFileFormat) -> HttpResponseBase:
        """The error file. A refusal is a message on the page of the import."""
        import_ = self._find(request, import_id)
        try:
            return respond_with_error_file(
                organization=import_.organization, import_id=import_id, file_format=file_format
            )
        except DomainError as error:
            messages.error(request, describe_refusal(error))
            return redirect("admin:imports_import_change", import_id)

    def _find(self, request: HttpRequest, import_id: int) -> Import:
        import_: Import | None = self.get_object(request, str(import_id))
        if import_ is None:
            raise Http404
        if not self.has_view_permission(request, import_):
            raise PermissionDenied
        return import_


def write_changes(import_: Import) -> Iterator[str]:
    """Lines of CSV: headers, then changes in the order of the change log. No cell is a formula in a spreadsheet."""
    yield _write_line(CSV_COLUMNS)
    is_reverted = import_.reverted_at is not None
    for change in _read_changes(import_):
        record = (change.row, get_resource_type(change.record_type), change.record_id, change.action)
        outcome = change.find_outcome(is_reverted=is_reverted) or ""
        before, after = change.before or {}, change.after or {}
        for name in sorted(before.keys() | after.keys()):
            kept = "yes" if name in (change.kept_fields or ()) else ""
            values = (describe_value(values[name]) if name in values else "" for values in (before, after))
            yield _write_line((*record, name, *values, outcome, kept))


def _spool(rows: Iterator[Sequence[str]]) -> SpooledFile:
    content = SpooledFile()
    for row in rows:
        content.write(_write_line(row).encode())
    return content


def _write_lines(rows: Iterator[Sequence[str]]) -> Iterator[str]:
    # A cursor belongs to a connection to PostgreSQL, which poolers keep for a transaction only.
    with transaction.atomic():
        yield from map(_write_line, rows)


def _read_changes(import_: Import) -> Iterator[Change]:
    changes = Change.objects.of_import(organization_id=import_.organization_id, import_id=import_.pk).order_by("id")
    # A cursor belongs to a connection to PostgreSQL, which poolers keep for a transaction only.
    with transaction.atomic():
        yield from changes.iterator(chunk_size=CHANGES_AT_ONCE)


def _write_line(cells: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([harmless(str(cell)) for cell in cells])
    return line.getvalue()


def _attach(parts: Iterator[str], name: str, content_type: str) -> StreamingHttpResponse:
    # Each part can be encoded by itself: the database stores no lone surrogates.
    return attach_parts((part.encode() for part in parts), name=name, content_type=content_type)
