"""The admin of operations: staff look at what is queued, runs and has failed, and cancel it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display

from importsvc.admin_site.read_only import ReadOnlyAdmin
from importsvc.errors import DomainError
from importsvc.operations.models import RUNNING, Operation, Status
from importsvc.operations.selectors import STATUSES, filter_status, show_status
from importsvc.operations.services import cancel_operation
from importsvc.text.display import printable

# The label styles of django-unfold, by status.
STATUS_LABELS = {
    Status.QUEUED.value: "info",
    RUNNING: "primary",
    Status.SUCCEEDED.value: "success",
    Status.FAILED.value: "danger",
    Status.CANCELLED.value: "warning",
}
SHOWN_ERRORS = 10
# The fields of the progress that are shown.
PROGRESS = ("attempts", "worker", "started_at", "phase", "done", "total")


class StatusFilter(DropdownFilter):
    """Operations in one status."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The statuses in their order."""
        return [(status, status) for status in STATUSES]

    def get_facet_counts(self, pk_attname: str, filtered_qs: Any) -> dict[str, Any]:
        """None: a cluster cannot count those that run in the same statement as others."""
        return {}

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """The operations in the status; all if it is not known."""
        return filter_status(queryset, [str(self.value())]) if self.value() in STATUSES else queryset


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    """Operations of all organizations. Requests queue them, and ``prune`` deletes them."""

    list_display = [
        "id",
        "status_badge",
        "kind",
        "shown_organization",
        "import_link",
        "shown_creator",
        "progress",
        "attempts",
        "queued_at",
        "finished_at",
    ]
    empty_text = "Requests with Prefer: respond-async, and runs in the import pages, queue them."
    list_filter = [StatusFilter, ("kind", ChoicesDropdownFilter), ("organization", AutocompleteSelectFilter)]
    list_filter_submit = True
    list_per_page = 50
    show_full_result_count = False
    ordering = ["-id"]
    search_fields = ["id__exact", "import_record__id__exact"]
    search_help_text = "The id of an operation or of its import"
    actions = ["cancel_selected"]
    fields = [
        ("status_badge", "kind"),
        ("organization", "creator"),
        "import_link",
        ("progress", "attempts"),
        "worker",
        ("queued_at", "started_at", "finished_at"),
        "described_errors",
    ]
    readonly_fields = [
        "status_badge",
        "import_link",
        "progress",
        "attempts",
        "worker",
        "queued_at",
        "started_at",
        "finished_at",
        "described_errors",
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        """Operations with the status that is shown and their progress."""
        operations = (
            super().get_queryset(request).select_related("organization", "creator").defer("arguments", "result")
        )
        shown = {f"shown_{name}": F(f"progress__{name}") for name in PROGRESS}
        return operations.annotate(shown_status=show_status(), **shown)

    def get_urls(self) -> list[URLPattern]:
        """The URLs of the admin and of the button."""
        view = self.admin_site.admin_view(self.cancel_view)
        return [path("<int:operation_id>/cancel/", view, name="operations_operation_cancel"), *super().get_urls()]

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Whether the user may cancel operations."""
        return self.has_view_permission(request) and request.user.has_perm("operations.cancel_operation")

    @admin.action(permissions=["cancel"], description="Cancel selected operations")
    def cancel_selected(self, request: HttpRequest, queryset: Any) -> None:
        """The action: cancel the operations that are not finished."""
        for operation in queryset.order_by("id"):
            self._cancel(request, operation)

    def cancel_view(self, request: HttpRequest, operation_id: int) -> HttpResponse:
        """The button: ``POST`` cancels."""
        if not self.has_cancel_permission(request):
            raise PermissionDenied
        operation = self.get_object(request, str(operation_id))
        if operation is None:
            raise Http404
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self._cancel(request, operation)
        return redirect("admin:operations_operation_change", operation_id)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **options: Any
    ) -> HttpResponse:
        """The page of an operation, with a button while it can be cancelled."""
        context["may_cancel"] = obj.status == Status.QUEUED and self.has_cancel_permission(request)
        return super().render_change_form(request, context, *args, obj=obj, **options)

    @display(description="status", label=STATUS_LABELS)  # type: ignore[untyped-decorator]
    def status_badge(self, operation: Any) -> str:
        """The status that is shown."""
        return str(operation.shown_status)

    @admin.display(description="import", empty_value="–")
    def import_link(self, operation: Operation) -> SafeString | None:
        """A link to the import."""
        if operation.import_record_id is None:
            return None
        url = reverse("admin:imports_import_change", args=[operation.import_record_id])
        return format_html('<a class="text-link" href="{}">Import {}</a>', url, operation.import_record_id)

    @admin.display(description="progress", empty_value="–")
    def progress(self, operation: Any) -> str | None:
        """The rows that are done, of those that are known, and the phase."""
        if not operation.shown_total:
            return operation.shown_phase or None
        phase = f", {operation.shown_phase}" if operation.shown_phase else ""
        return f"{operation.shown_done} of {operation.shown_total} rows{phase}"

    @admin.display(description="attempts")
    def attempts(self, operation: Any) -> int:
        """The number of attempts."""
        return int(operation.shown_attempts)

    @admin.display(description="worker", empty_value="–")
    def worker(self, operation: Any) -> str | None:
        """The worker of the last attempt."""
        return operation.shown_worker or None

    @admin.display(description="started at", empty_value="–")
    def started_at(self, operation: Any) -> Any:
        """When the last attempt began."""
        return operation.shown_started_at

    @admin.display(description="errors", empty_value="–")
    def described_errors(self, operation: Operation) -> str | None:
        """The first errors, as text."""
        return "\n".join(printable(str(error["detail"])) for error in operation.errors[:SHOWN_ERRORS]) or None

    def _cancel(self, request: HttpRequest, operation: Operation) -> None:
        try:
            cancel_operation(organization=operation.organization, operation_id=operation.pk)
        except DomainError as error:
            self.message_user(request, f"Operation {operation.pk}: {error.detail}.", messages.ERROR)
        else:
            self.log_change(request, operation, "Cancelled.")
            self.message_user(request, f"Cancelled operation {operation.pk}.", messages.SUCCESS)
