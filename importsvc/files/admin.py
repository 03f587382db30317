"""The admin of files: staff look at what was detected in them, and download them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path
from django.utils.http import content_disposition_header
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from importsvc.files.detecting import OPTIONS
from importsvc.files.models import ImportFile
from importsvc.files.storage import read_parts
from importsvc.text.display import printable


@admin.register(ImportFile)
class ImportFileAdmin(ModelAdmin):
    """Files of all organizations, read-only."""

    list_display = ["__str__", "id", "organization", "format", "shown_size", "creator", "created_at", "pruned_at"]
    list_select_related = ["organization", "creator"]
    list_filter = ["format", ("organization", AutocompleteSelectFilter)]
    list_filter_submit = True
    list_per_page = 50
    show_full_result_count = False
    ordering = ["-id"]
    search_fields = ["name", "id__exact"]
    search_help_text = "The name or the id of a file"
    fields = [
        ("name", "content_type"),
        ("organization", "creator"),
        ("created_at", "pruned_at"),
        ("shown_size", "sha256"),
        ("line_count", "sampled_row_count"),
    ]
    readonly_fields = ["created_at", "shown_size"]

    def get_queryset(self, request: HttpRequest) -> Any:
        """Files; of lists without what was detected."""
        files = super().get_queryset(request)
        is_list = request.resolver_match and request.resolver_match.url_name == "files_importfile_changelist"
        return files.defer("columns", "sheets", "guesses") if is_list else files

    def get_urls(self) -> list[URLPattern]:
        """The URLs of the admin and of the download."""
        view = self.admin_site.admin_view(self.download_view)
        return [path("<int:file_id>/download", view, name="files_importfile_download"), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never: files are uploaded through the API."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: a file is a record of what was sent."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: ``prune`` deletes the bytes."""
        return False

    def has_download_permission(self, request: HttpRequest) -> bool:
        """Whether the user may download files: a permission of its own, because they have data of people."""
        return self.has_view_permission(request) and request.user.has_perm("files.download_importfile")

    def download_view(self, request: HttpRequest, file_id: int) -> StreamingHttpResponse:
        """The bytes of a file as they came. The download is in the history of the file."""
        if not self.has_download_permission(request):
            raise PermissionDenied
        file: ImportFile | None = self.get_object(request, str(file_id))
        if file is None or file.pruned_at:
            raise Http404
        self.log_change(request, file, "Downloaded.")
        name = file.name or f"file-{file_id}"
        headers = {
            "Content-Disposition": str(content_disposition_header(as_attachment=True, filename=name)),
            "Content-Length": str(file.size),
            "Cache-Control": "private, no-store",
        }
        # Of no type that a browser would show.
        parts = read_parts(file.organization_id, file_id)
        return StreamingHttpResponse(parts, content_type="application/octet-stream", headers=headers)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **options: Any
    ) -> HttpResponse:
        """The page of a file: its fields, how it is read, its sheets and its columns."""
        context |= {
            "options": [_describe_option(obj, name) for name in OPTIONS],
            "may_download": obj.pruned_at is None and self.has_download_permission(request),
        }
        return super().render_change_form(request, context, *args, obj=obj, **options)

    @admin.display(description="size", ordering="size")
    def shown_size(self, file: ImportFile) -> str:
        """The size with a unit."""
        return str(filesizeformat(file.size))


def _describe_option(file: ImportFile, name: str) -> dict[str, str]:
    guess = file.guesses[name]
    return {
        "name": name.replace("_", " "),
        "used": _show(getattr(file, name)),
        "guess": _show(guess["value"]),
        "confidence": f"{guess['confidence']:.0%}",
        "is_set": "yes" if name in file.overrides else "",
    }


def _show(value: Any) -> str:
    return (
        "–" if value is None else printable(repr(value) if isinstance(value, str) and value.isspace() else str(value))
    )
