"""The admin of companies."""

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from companies.models import Company
from importsvc.admin_site.records import RecordAdmin


@admin.register(Company)
class CompanyAdmin(RecordAdmin):
    """Companies of all organizations."""

    icon = "apartment"
    list_display = [
        "shown_name",
        "shown_organization",
        "last_import",
        "default_currency",
        "created_at",
        "archived_at",
        "id",
    ]
    empty_text = "Import some, add one here, or run the command create_organization."
    list_select_related = ["organization"]
    list_filter = [("archived_at", admin.EmptyFieldListFilter), ("organization", AutocompleteSelectFilter)]
    list_filter_submit = True
    search_fields = ["name", "external_id", "id__exact"]
    autocomplete_fields = ["organization"]
    readonly_fields = ["created_at"]
    fieldsets = [
        (None, {"fields": ["organization", "name", "external_id", "description", "created_at", "archived_at"]}),
        ("Invoices", {"fields": ["default_currency", "due_days", "invoice_email_recipients"]}),
        ("More", {"fields": ["tag_list", "custom_fields", "avatar_url"]}),
    ]
