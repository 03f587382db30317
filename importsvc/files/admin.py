"""The admin of files, which staff look at and download, and of saved mappings, which they edit."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from importsvc.admin_site.fields import JsonListField
from importsvc.admin_site.read_only import ReadOnlyAdmin
from importsvc.admin_site.records import RecordAdmin, RecordForm
from importsvc.files import services
from importsvc.files.detecting import OPTIONS
from importsvc.files.errors import MappingRefused
from importsvc.files.mapping.templates import Format
from importsvc.files.models import ImportFile, ImportModel
from importsvc.files.storage import read_parts
from importsvc.http.downloads import attach, attach_parts
from importsvc.text.display import printable


@admin.register(ImportFile)
class ImportFileAdmin(ReadOnlyAdmin):
    """Files of all organizations. The API uploads them, and ``prune`` deletes their bytes."""

    list_display = [
        "shown_name",
        "shown_organization",
        "format",
        "shown_size",
        "shown_creator",
        "created_at",
        "pruned_at",
        "id",
    ]
    empty_text = "Upload one with New import or POST /api/v2/import_files."
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
        parts = read_parts(file.organization_id, file_id)
        # Of no type that a browser would show.
        response = attach_parts(parts, name=file.name or f"file-{file_id}", content_type="application/octet-stream")
        response.headers["Content-Length"] = str(file.size)
        return response

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


class ImportModelForm(RecordForm):
    """A form that accepts what ``services`` accepts: every problem of the mapping is an error of its field."""

    def clean(self) -> dict[str, Any] | None:
        """The values to write."""
        values = super().clean()
        document = {name: self.cleaned_data.get(name, getattr(self.instance, name)) for name in services.MEMBERS}
        try:
            services.check_mapping(document)
        except MappingRefused as error:
            for problem in error.each:
                field, _, place = (problem.attribute or "").partition("/")
                shown = f"{place}: {problem}" if place else str(problem)
                self.add_error(field if field in self.fields else None, shown)
        return values


@admin.register(ImportModel)
class ImportModelAdmin(RecordAdmin):
    """Saved mappings of all organizations."""

    form = ImportModelForm
    list_display = ["shown_name", "shown_organization", "on_duplicate", "shown_creator", "updated_at", "id"]
    empty_text = "Save one in the import pages, add one here, or create one with POST /api/v2/import_models."
    list_select_related = ["organization", "creator"]
    list_filter = [("organization", AutocompleteSelectFilter)]
    list_filter_submit = True
    search_fields = ["name", "id__exact"]
    autocomplete_fields = ["organization"]
    readonly_fields = ["creator", "created_at", "updated_at"]

    def get_fields(self, request: HttpRequest, obj: ImportModel | None = None) -> Any:
        """The fields of the form."""
        edited = ["organization", "name", *services.MEMBERS]
        return [*edited, *self.readonly_fields] if obj else edited

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """The form's field; members that are lists are JSON as well."""
        if db_field.name in ("columns", "ignored"):
            options["form_class"] = JsonListField
        return super().formfield_for_dbfield(db_field, request, **options)

    def get_urls(self) -> list[URLPattern]:
        """The URLs of the admin and of the templates."""
        view = self.admin_site.admin_view(self.template_view)
        templates = [
            path(f"<int:model_id>/template.{format_}", view, {"format_": format_}, name=f"files_importmodel_{format_}")
            for format_ in services.TEMPLATE_TYPES
        ]
        return [*templates, *super().get_urls()]

    def template_view(self, request: HttpRequest, model_id: int, format_: Format) -> HttpResponse:
        """An empty file with the headers of a model, for users who have the permission to view it."""
        model: ImportModel | None = self.get_object(request, str(model_id))
        if model is None:
            raise Http404
        if not self.has_view_permission(request, model):
            raise PermissionDenied
        try:
            template = services.make_template(organization=model.organization, model_id=model_id, format=format_)
        except MappingRefused as error:
            messages.error(request, "; ".join(map(str, error.each)))
            return HttpResponseRedirect(reverse("admin:files_importmodel_change", args=[model_id]))
        return attach(template.content, name=template.name, content_type=services.TEMPLATE_TYPES[format_])

    def save_model(self, request: HttpRequest, obj: ImportModel, form: Any, change: bool) -> None:
        """Save the name and the members."""
        if not change:
            obj.pk = services.create_import_model(**form.cleaned_data).pk
        elif form.cleaned_data:
            services.update_import_model(organization=obj.organization, model_id=obj.pk, **form.cleaned_data)

    def delete_model(self, request: HttpRequest, obj: ImportModel) -> None:
        """Delete the model. Imports keep its number."""
        services.delete_import_model(organization=obj.organization, model_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ImportModel]) -> None:
        """Delete the models."""
        for model in queryset.select_related("organization").order_by("id"):
            self.delete_model(request, model)
