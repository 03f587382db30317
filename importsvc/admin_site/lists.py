"""Lists of the admin: names, the last import of each record, and what to do if there are no records.

The last imports are read by the app of imports, which declares how, because this package knows none of their rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject, cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from importsvc.admin_site.active_filters import ActiveFilter, find_active_filters
from importsvc.admin_site.names import NOTHING_KNOWN, show_name

# Returns the ids of the last import that wrote each of these records of one model, by the id of the record.
ReadLastImports = Callable[[Sequence[Any]], Mapping[int, int]]

_sources: list[ReadLastImports] = []


def register(source: ReadLastImports) -> None:
    """Declare how the last imports of records are read."""
    if source not in _sources:
        _sources.append(source)


def find_last_imports(records: Sequence[Any]) -> Mapping[int, int]:
    """The id of the last import that wrote each of these records of one model; without those that none wrote."""
    return {key: import_id for source in _sources for key, import_id in source(records).items()}


class _Isolated(SimpleLazyObject):
    """A record with a text that is isolated from the direction of the sentence around it."""

    def __str__(self) -> str:
        return show_name(super().__str__())


class RecordChangeList(ChangeList):
    """A page of records; those of a list with the column ``last_import`` have their ``last_import_id``."""

    @cached_property
    def active_filters(self) -> list[ActiveFilter]:
        """The search and the filters that narrow the list."""
        return list(find_active_filters(self))

    def get_results(self, request: HttpRequest) -> None:
        """Read the page, and the last imports of all of its records at once."""
        super().get_results(request)
        if "last_import" not in self.list_display:
            return
        records = list(self.result_list)
        found = find_last_imports(records)
        for record in records:
            record.last_import_id = found.get(record.pk)


class NamedAdmin(ModelAdmin):
    """Pages that isolate the name of a record from the sentences around it."""

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> Any:
        """The page that asks whether to delete a record."""
        return super().render_delete_form(request, {**context, "object": _Isolated(lambda: context["object"])})


class ListAdmin(NamedAdmin):
    """A list whose rows have names of organizations, people and companies.

    Attributes:
        empty_text: what to do if there are no records yet.
    """

    change_list_template = "admin_site/change_list.html"
    empty_text = ""

    def get_changelist(self, request: HttpRequest, **options: Any) -> Any:
        """The class of a page of the list."""
        return RecordChangeList

    @admin.display(description="name", ordering="name")
    def shown_name(self, record: Any) -> SafeString:
        """The name of the record."""
        return show_name(record)

    @admin.display(description="organization", ordering="organization")
    def shown_organization(self, record: Any) -> SafeString:
        """The name of the organization."""
        return show_name(record.organization)

    @admin.display(description="creator", ordering="creator")
    def shown_creator(self, record: Any) -> SafeString:
        """The name of the person that created the record."""
        return show_name(record.creator)

    @admin.display(description="last import")
    def last_import(self, record: Any) -> SafeString:
        """A link to the last import that created or changed the record."""
        if record.last_import_id is None:
            return format_html("{}", NOTHING_KNOWN)
        url = reverse("admin:imports_import_change", args=[record.last_import_id])
        return format_html('<a class="text-link" href="{}">Import {}</a>', url, record.last_import_id)
