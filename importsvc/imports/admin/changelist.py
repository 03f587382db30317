"""The list of imports: its columns, filters and search, which read neither the change log nor the staged rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    BooleanRadioFilter,
    DropdownFilter,
    RangeDateFilter,
    SingleNumericFilter,
)
from unfold.decorators import action, display

from importsvc.admin_site.lists import ListAdmin
from importsvc.admin_site.names import NOTHING_KNOWN, show_name
from importsvc.imports.failures import select_failed
from importsvc.imports.formatting import describe_rows
from importsvc.imports.models import Import, ImportState
from importsvc.imports.record_history import find_imports_by_record
from importsvc.imports.staging import staged_size
from people.models import Person

# The label styles of django-unfold, by state.
STATE_LABELS = {ImportState.CREATED: "info", ImportState.PROCESSED: "success", ImportState.REVERTED: "warning"}
# The members of ``Import.counts`` whose rows are in the change log.
WRITTEN = ("created", "updated")
# The value of the filter for imports that were not run because of errors.
NEEDS_ATTENTION = "attention"
# The number of creators up to which a search lists their ids, instead of a subquery.
CREATORS = 1000
# The number of all creators up to which a search looks only at these people.
KNOWN_CREATORS = 20_000


def describe_made(counts: Mapping[str, Mapping[str, int]] | None) -> str:
    """What an import wrote: ``created 1 company, 3 people; updated 1 person``; a dash if it was not run."""
    if counts is None:
        return NOTHING_KNOWN
    return describe_rows({name: {what: counts[name].get(what, 0) for what in WRITTEN} for name in counts})


def describe_duration(duration: timedelta) -> str:
    """The duration in its two largest units: ``0.4 s``, ``12 s``, ``3 min 5 s``, ``2 h 10 min``, ``5 d 3 h``."""
    seconds = duration.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s"
    left = round(seconds)
    parts: list[tuple[int, str]] = []
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        number, left = divmod(left, length)
        if number or parts:
            parts.append((number, unit))
    return " ".join(f"{number} {unit}" for number, unit in parts[:2] if number)


def describe_run(import_: Import) -> str:
    """The duration of the import's run; a dash if it was not run."""
    if import_.started_at is None or import_.processed_at is None:
        return NOTHING_KNOWN
    return describe_duration(import_.processed_at - import_.started_at)


class StateFilter(DropdownFilter):
    """Imports in one state, or those that were not run because of errors."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The states in their order, and what there may be to do about an import."""
        return [*((state.value, state.value) for state in ImportState), (NEEDS_ATTENTION, "needs attention")]

    def get_facet_counts(self, pk_attname: str, filtered_qs: QuerySet[Any]) -> dict[str, Any]:
        """None: a cluster cannot count those that need attention in the same statement as others."""
        return {}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Import]) -> QuerySet[Import]:
        """The imports in the state; the conditions are those of ``Import.state``."""
        conditions: dict[str | None, dict[str, bool]] = {
            ImportState.CREATED: {"processed_at__isnull": True},
            ImportState.PROCESSED: {"processed_at__isnull": False, "reverted_at__isnull": True},
            ImportState.REVERTED: {"reverted_at__isnull": False},
        }
        if self.value() == NEEDS_ATTENTION:
            return select_failed(queryset)
        return queryset.filter(**conditions.get(self.value(), {}))


class DayFilter(RangeDateFilter):
    """Imports of a range of days in UTC, including the last day. A value that is not a date is ignored."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Import]) -> QuerySet[Import]:
        """The imports of these days."""
        first, last = self._read_day("from"), self._read_day("to")
        if first:
            queryset = queryset.filter(**{f"{self.parameter_name}__gte": first})
        if last:
            queryset = queryset.filter(**{f"{self.parameter_name}__lt": last + timedelta(days=1)})
        return queryset

    def _read_day(self, end: str) -> datetime | None:
        try:
            day = parse_date(self.used_parameters.get(f"{self.parameter_name}_{end}") or "")
        except ValueError:
            return None
        # The last date that Python supports has no next day.
        return datetime.combine(day, time(), UTC) if day and day.year < 9999 else None


class ImportListAdmin(ListAdmin):
    """The list in the admin of imports."""

    list_display = [
        "id",
        "state_badge",
        "shown_organization",
        "creator_link",
        "made",
        "created_at",
        "duration",
        "size",
        "is_sample",
    ]
    list_filter = [
        StateFilter,
        ("organization", AutocompleteSelectFilter),
        ("creator", AutocompleteSelectFilter),
        ("sample", BooleanRadioFilter),
        ("import_model_id", SingleNumericFilter),
        ("created_at", DayFilter),
    ]
    list_filter_submit = True
    empty_text = "Create one with New import or POST /api/v2/imports."
    actions_list = ["start_import"]
    # Makes Django show the search field; ``get_search_results`` does the search.
    search_fields = ["id__exact"]
    search_help_text = (
        "An import's id, its creator's name or e-mail, or a person's e-mail or a company's name that it wrote"
    )
    ordering = ["-id"]
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Import]:
        """Imports with organization, creator and the bytes of their staged rows, without ``shared_values``."""
        imports: QuerySet[Import] = super().get_queryset(request)
        imports = imports.defer("shared_values").select_related("organization", "creator")
        return imports.annotate(staged_size=staged_size())

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Import], search_term: str
    ) -> tuple[QuerySet[Import], bool]:
        """Imports with this id, whose creator's name or address contains each of the words, or that wrote a record.

        Such a record's match key is the search term.
        """
        words = search_term.split()
        if not words:
            return queryset, False
        imports = Import.objects.filter(organization=OuterRef("organization"), creator=OuterRef("pk"))
        # PostgreSQL may read all people to find those that have imports.
        known = list(Import.objects.order_by().values_list("creator", flat=True).distinct()[: KNOWN_CREATORS + 1])
        creators = Person.objects.filter(Q(pk__in=known) if len(known) <= KNOWN_CREATORS else Exists(imports))
        for word in words:
            names = Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(email__icontains=word)
            creators = creators.filter(names)
        # The search of people takes longest: with a list of ids it runs once, not for the count and for the page.
        ids = list(creators.values_list("pk", flat=True)[: CREATORS + 1])
        found = Q(creator__in=ids if len(ids) <= CREATORS else creators)
        found |= Q(pk__in=find_imports_by_record(search_term.strip()))
        if search_term.strip().isdecimal():
            found |= Q(pk=int(search_term))
        return queryset.filter(found), False

    def has_start_permission(self, request: HttpRequest) -> bool:
        """Whether the user may import files, on the pages that are made for it."""
        return self.has_view_permission(request) and request.user.has_perm("imports.add_import")

    @action(description="New import", url_path="start", permissions=["start"], icon="upload_file")  # type: ignore[untyped-decorator]
    def start_import(self, request: HttpRequest) -> HttpResponse:
        """The button above the list: the pages on which staff import a file."""
        return redirect("wizard:start")

    @display(description="state", label=STATE_LABELS)  # type: ignore[untyped-decorator]
    def state_badge(self, import_: Import) -> ImportState:
        """The state of the import."""
        return import_.state

    @admin.display(description="creator", ordering="creator__first_name")
    def creator_link(self, import_: Import) -> SafeString:
        """A link to the creator."""
        url = reverse("admin:people_person_change", args=[import_.creator_id])
        return format_html('<a class="text-link" href="{}">{}</a>', url, show_name(import_.creator))

    @admin.display(description="sample", ordering="sample")
    def is_sample(self, import_: Import) -> str:
        """A word, because Django's icon for ``False`` looks like a failure."""
        return NOTHING_KNOWN if import_.sample is None else ("yes" if import_.sample else "no")

    @admin.display(description="result")
    def made(self, import_: Import) -> str:
        """What the import wrote, even if it was reverted since."""
        return describe_made(import_.counts)

    @admin.display(description="size", ordering="staged_size")
    def size(self, import_: Import) -> str:
        """The size of the staged rows."""
        return filesizeformat(import_.staged_size)  # type: ignore[attr-defined]

    @admin.display(description="duration")
    def duration(self, import_: Import) -> str:
        """The duration of the import's run."""
        return describe_run(import_)
