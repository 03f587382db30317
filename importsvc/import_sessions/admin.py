"""The admin of import sessions: which links there are, and revoking them."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from importsvc.admin_site.names import show_name
from importsvc.admin_site.read_only import ReadOnlyAdmin
from importsvc.admin_site.records import RecordAdmin
from importsvc.errors import RecordNotFound
from importsvc.import_sessions import services
from importsvc.import_sessions.models import ImportSession

STATE_LABELS = {"valid": "success", "expired": "warning"}


@admin.register(ImportSession)
class ImportSessionAdmin(ReadOnlyAdmin, RecordAdmin):
    """Sessions of all organizations, read-only, with an action that revokes their links. No page shows a link."""

    list_display = ["prefix", "shown_organization", "shown_person", "created_at", "expires_at", "opened_at", "state"]
    empty_text = "An integrator's back end asks for a link with POST /api/v2/import_sessions."
    list_select_related = ["organization", "person"]
    list_filter = [("organization", AutocompleteSelectFilter), ("opened_at", admin.EmptyFieldListFilter)]
    list_filter_submit = True
    search_fields = ["prefix", "person__first_name", "person__last_name", "person__email"]
    ordering = ["-id"]
    fields = [
        ("prefix", "state"),
        ("organization", "person", "creator"),
        ("created_at", "expires_at", "opened_at"),
        ("record_types", "import_model_id", "may_revert"),
        ("return_url", "frame_origin", "theme_color"),
    ]
    readonly_fields = ["created_at", "state"]
    actions = ["revoke_selected"]

    @admin.display(description="person", ordering="person")
    def shown_person(self, session: ImportSession) -> SafeString:
        """The name of the person in whose name the link works."""
        return show_name(session.person)

    @display(description="state", label=STATE_LABELS)  # type: ignore[untyped-decorator]
    def state(self, session: ImportSession) -> str:
        """Whether the link still works, as far as its time is concerned."""
        return "valid" if session.expires_at > timezone.now() else "expired"

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whether the user may revoke links."""
        return request.user.has_perm("import_sessions.delete_importsession")

    @admin.action(permissions=["revoke"], description="Revoke selected links, for ever")
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ImportSession]) -> None:
        """Delete the selected sessions: their links open nothing any more, also where they were opened already."""
        count = 0
        for session in queryset.select_related("organization").order_by("id"):
            self.log_deletions(request, [session])
            try:
                services.delete_import_session(organization=session.organization, session_id=session.pk)
            except RecordNotFound:
                continue
            count += 1
        self.message_user(request, f"Revoked {count} link{'' if count == 1 else 's'}.", messages.SUCCESS)
