"""The admin of imports: staff view imports and their changes, and revert imports."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from importsvc.admin_site.names import show_name
from importsvc.admin_site.read_only import ReadOnlyAdmin
from importsvc.errors import DomainError
from importsvc.files.models import OnDuplicate
from importsvc.imports.actor_texts import show_actor
from importsvc.imports.actors import read_actor
from importsvc.imports.admin.changelist import ImportListAdmin
from importsvc.imports.admin.changes import count_changes, read_changes
from importsvc.imports.admin.detail import read_staged_data
from importsvc.imports.admin.downloads import DownloadAdmin
from importsvc.imports.admin.revert import RevertAdmin
from importsvc.imports.admin.revert_choices import read_choices
from importsvc.imports.admin.revert_report import describe_result
from importsvc.imports.admin.row_errors import read_errors
from importsvc.imports.admin.work_progress import WorkProgress
from importsvc.imports.failure_texts import describe_failure
from importsvc.imports.formatting import (
    describe_counts,
    describe_file_rows,
    describe_progress,
    describe_pruning,
    describe_refusal,
    describe_rows,
    describe_stored_revert,
)
from importsvc.imports.models import Import, OnRowError
from importsvc.imports.selectors import read_state
from importsvc.operations.models import Operation

_EXISTING = {
    OnDuplicate.ERROR.value: "Reject",
    OnDuplicate.SKIP.value: "Skip",
    OnDuplicate.UPDATE.value: "Update",
}
_WITH_ERRORS = {
    OnRowError.REFUSE.value: "Refuse the import",
    OnRowError.STAGE.value: "Keep, to be corrected before the run",
    OnRowError.SKIP.value: "Keep, and leave out of the run",
}


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin, ImportListAdmin, RevertAdmin, DownloadAdmin):
    """Imports of all organizations. The API creates them, and their changes are kept so that they can be reverted.

    A page reads a part of the staged rows only, and lists read none.
    """

    # Time stamps and actors are in the timeline above the fields.
    fields = [
        ("state_now", "is_sample"),
        ("organization", "creator"),
        ("existing_records", "rows_with_errors"),
        ("match_by", "import_model_id"),
        ("import_file", "file_rows"),
        "rows",
    ]
    readonly_fields = [
        "state_now",
        "is_sample",
        "existing_records",
        "rows_with_errors",
        "import_file",
        "file_rows",
        "rows",
    ]

    @admin.display(description="state")
    def state_now(self, import_: Any) -> str:
        """The state, or that the import is running, and how far it is."""
        return str(import_.described_state)

    @admin.display(description="existing records")
    def existing_records(self, import_: Import) -> str:
        """What becomes of rows that match existing records."""
        return _EXISTING.get(import_.on_duplicate, import_.on_duplicate)

    @admin.display(description="rows with errors")
    def rows_with_errors(self, import_: Import) -> str:
        """What becomes of rows with errors."""
        return _WITH_ERRORS.get(import_.on_row_error, import_.on_row_error)

    @admin.display(description="result")
    def rows(self, import_: Import) -> str:
        """What became of its rows; empty for an import that was not run."""
        return str(self.get_empty_value_display()) if import_.counts is None else describe_rows(import_.counts)

    @admin.display(description="rows of the file")
    def file_rows(self, import_: Import) -> str:
        """How many rows the file has, and which of them were dropped; empty for rows that come from no file."""
        counts = import_.file_counts
        return str(self.get_empty_value_display()) if counts is None else describe_file_rows(counts)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **options: Any
    ) -> HttpResponse:
        """The page of an import: its fields, a page of its changes and a page of its staged rows."""
        # Not in state_now(), which a page calls several times.
        state, progress = read_state(organization=obj.organization, import_id=obj.pk)
        obj.described_state = state if progress is None else f"{state}: {describe_progress(progress)}"
        context |= {
            "made": describe_counts({} if obj.pruned_at else count_changes(obj)),
            "staged": read_staged_data(obj, request.GET.get("staged_page")),
            "row_errors": read_errors(obj, request.GET),
            "change_table": read_changes(request, obj),
            "failure": describe_failure(obj, may_import=request.user.has_perm("imports.add_import")),
            "revert_result": describe_result(obj),
            "pruned": describe_pruning(obj),
            "timeline": make_timeline(obj),
            **self._check_conflicts(request, obj),
            "operations_url": self._find_operations_url(request, obj),
            "may_check_conflicts": obj.is_revertible,
            "may_revert": obj.is_revertible and self.has_revert_permission(request),
        }
        return super().render_change_form(request, context, *args, obj=obj, **options)

    def _find_operations_url(self, request: HttpRequest, import_: Import) -> str | None:
        """The URL of the import's operations, if there are any and the user may view them."""
        if not self.admin_site.get_model_admin(Operation).has_view_permission(request):
            return None
        if not Operation.objects.for_organization(import_.organization).filter(import_record=import_).exists():
            return None
        return f"{reverse('admin:operations_operation_changelist')}?import_record__id__exact={import_.pk}"

    def _check_conflicts(self, request: HttpRequest, import_: Import) -> dict[str, Any]:
        """The conflicts of a revert now, for the page. Read on request only, because that reads every record."""
        if "conflicts" not in request.GET:
            return {}
        try:
            found = read_choices(request, import_)
        except DomainError as error:
            return {"checks_conflicts": True, "refusal": describe_refusal(error)}
        return {"checks_conflicts": True, "progress" if isinstance(found, WorkProgress) else "choice_page": found}


class Step(NamedTuple):
    """A step in the timeline of an import; ``at`` is ``None`` if it has not happened, the others are in words.

    ``actor`` is HTML.
    """

    title: str
    at: datetime | None
    actor: str = ""
    result: str = ""


def make_timeline(import_: Import) -> list[Step]:
    """All steps in the timeline of an import, including future ones."""
    processed_by, reverted_by = (
        show_actor(actor) if actor else "" for actor in map(read_actor, (import_.processed_by, import_.reverted_by))
    )
    reverted = "" if import_.revert_counts is None else describe_stored_revert(import_.revert_counts)
    return [
        Step("Created", import_.created_at, show_name(import_.creator)),
        Step("Started", import_.started_at, processed_by),
        Step("Processed", import_.processed_at),
        Step("Reverted", import_.reverted_at, reverted_by, reverted),
    ]
