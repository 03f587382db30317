"""The changes on the page of an import: searched, filtered, and page by page beside the values of now."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import reduce
from operator import or_
from typing import Any

from django import forms
from django.contrib import admin
from django.core.paginator import Page, Paginator
from django.db.models import Q
from django.http import HttpRequest
from django.utils.text import capfirst
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from importsvc.changelog.models import Action, Change, Outcome, is_of_records
from importsvc.imports.admin.change_search import ROW_ORDER, ChangeList, FoundChanges, HasText, search
from importsvc.imports.admin.shown_records import ShownRecord, show_record
from importsvc.imports.models import Import
from importsvc.imports.record_texts import RecordTexts
from importsvc.imports.services import (
    find_keyed_records,
    find_record_model,
    get_record_fields,
    get_record_types,
    get_resource_type,
)
from importsvc.text.display import printable

CHANGES_PAGE_SIZE = 50
VALUE_LENGTH = 200
# The number of records up to which a search lists their ids, instead of a subquery.
FOUND_RECORDS = 1_000

# The form on the page that has these fields, which are part of another one.
FORM_ID = "change-filters"

# Parts of a value, and whether each differs from the value beside it.
Parts = Sequence[tuple[str, bool]]


class ChangeFilterForm(forms.Form):
    """The search and the filters; what is not valid is ignored."""

    search = forms.CharField(required=False, max_length=200, widget=UnfoldAdminTextInputWidget)
    type = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget)
    action = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget)
    field = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget)
    outcome = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget)

    def __init__(self, data: Any, *, record_types: Collection[str], is_reverted: bool) -> None:
        """``record_types`` are those that the import wrote."""
        super().__init__(data, prefix="changes")
        self._set_choices("type", [(name, capfirst(get_resource_type(name))) for name in record_types])
        self._set_choices("action", [(action.value, capfirst(action.value)) for action in Action])
        self._set_choices("field", [(_name_group(name), _list_fields(name)) for name in record_types])
        if is_reverted:
            self._set_choices("outcome", [(outcome.value, capfirst(outcome.value)) for outcome in Outcome])
        else:
            del self.fields["outcome"]
        self.fields["search"].widget.attrs["placeholder"] = "A name, an e-mail address, a value, a row"
        for field in self.fields.values():
            field.widget.attrs["form"] = FORM_ID

    def read(self) -> dict[str, str]:
        """What is searched and filtered by, without what is empty."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    def _set_choices(self, name: str, choices: list[Any]) -> None:
        field: Any = self.fields[name]
        field.choices = [("", "Any"), *choices]


@dataclass(frozen=True)
class ShownValue:
    """A field that the import wrote, with its values; ``is_edited`` says that the value now is another one."""

    label: str
    before: Parts
    after: Parts
    now: str
    is_edited: bool


@dataclass(frozen=True)
class ShownChange:
    """A change with its record; ``outcome`` is what the import did, and after its revert what became of it."""

    record: ShownRecord
    outcome: str
    values: Sequence[ShownValue]


@dataclass(frozen=True)
class ChangeTable:
    """A page of the changes that are searched for, the form, and whether it leaves any out.

    ``is_rest`` says that the search began after the first changes. ``next`` is where it goes on; ``None`` at the end.
    """

    form: ChangeFilterForm
    is_filtered: bool
    changes: Sequence[ShownChange]
    page: Page[Change]
    is_rest: bool = False
    next: int | None = None


def count_changes(import_: Import) -> dict[str, int]:
    """The number of records of each type that an import wrote, without types of which it wrote none."""
    counts = {name: of_type["created"] + of_type["updated"] for name, of_type in sorted((import_.counts or {}).items())}
    return {name: count for name, count in counts.items() if count}


def read_changes(request: HttpRequest, import_: Import) -> ChangeTable:
    """The page of an import's changes that the query asks for, or the nearest one, type by type in row order."""
    counts = {} if import_.pruned_at else count_changes(import_)
    known = [name for name in get_record_types() if name in counts]
    is_reverted = import_.reverted_at is not None
    form = ChangeFilterForm(request.GET, record_types=known, is_reverted=is_reverted)
    changes = Change.objects.of_import(organization_id=import_.organization_id, import_id=import_.pk)
    conditions = form.read()
    after, next_one = _read_place(request.GET.get("changes_after")), None
    key = {"organization_id": import_.organization_id, "import_id": import_.pk}
    listed: Any = ChangeList(counts, **key)
    if conditions:
        filters = _Filters(request, conditions, record_types=known, organization_id=import_.organization_id)
        if filters.keyed is None:
            found = search(**key, condition=filters.make_condition, count=len(listed), after=after)
            listed, next_one = FoundChanges(found, changes), found.next
        else:
            listed = changes.filter(filters.make_condition(0, 0)).order_by(*ROW_ORDER)
    page = Paginator(listed, CHANGES_PAGE_SIZE).get_page(request.GET.get("changes_page"))
    texts = RecordTexts(page.object_list, organization_id=import_.organization_id)
    shown = [_show(request, change, texts, is_reverted=is_reverted) for change in page.object_list]
    return ChangeTable(form, bool(conditions), shown, page, is_rest=bool(conditions and after), next=next_one)


def _name_group(record_type: str) -> str:
    return str(capfirst(get_resource_type(record_type)))


def _list_fields(record_type: str) -> list[tuple[str, str]]:
    fields = get_record_fields(record_type)
    return [(f"{record_type}.{field.column}", str(capfirst(field.verbose_name))) for field in fields]


def _read_place(given: str | None) -> int:
    """The id of a record; 0 if it is none."""
    return int(given) if given and given.isascii() and given.isdigit() and len(given) < 19 else 0


class _Filters:
    """The conditions of the search and the filters.

    Attributes:
        keyed: the condition on changes of the records that have the term as their match key; ``None`` without them.
            They are found by an index, and the others not.
    """

    def __init__(
        self, request: HttpRequest, given: dict[str, str], *, record_types: Collection[str], organization_id: int
    ) -> None:
        self._request = request
        self._organization_id = organization_id
        self._record_types = record_types
        self._term = given.get("search", "")
        self.keyed = self._find_keyed() if self._term else None
        self._fixed = _make_filter(given)

    def make_condition(self, first: int, last: int) -> Q:
        """The condition on changes of records whose ids are within these bounds."""
        if not self._term:
            return self._fixed
        return self._fixed & (self.keyed or self._search(first, last))

    def _find_keyed(self) -> Q | None:
        """The changes of the records that have the term as their match key, such as an e-mail address."""
        keyed = find_keyed_records(self._term, limit=FOUND_RECORDS, organization_id=self._organization_id)
        ids_by_type = {name: [record_id for _, record_id in records] for name, records in keyed.items() if records}
        conditions = (Q(record_type=name) & is_of_records(ids) for name, ids in ids_by_type.items())
        return reduce(or_, conditions) if ids_by_type else None

    def _search(self, first: int, last: int) -> Q:
        """Changes with values that contain each of the words.

        And of records that the search of their list finds, and of the row with this number.
        """
        term = self._term
        found = Q(*(Q(HasText("before", word)) | Q(HasText("after", word)) for word in term.split()))
        if term.isdecimal() and int(term) < 2**31:
            found |= Q(row=int(term))
        for name in self._record_types:
            model = find_record_model(name)
            if model and admin.site.is_registered(model):
                records = model._default_manager.filter(organization=self._organization_id, pk__range=(first, last))
                records, _ = admin.site.get_model_admin(model).get_search_results(self._request, records, term)
                ids = list(records.values_list("pk", flat=True)[: FOUND_RECORDS + 1])
                found |= Q(record_type=name, record_id__in=ids if len(ids) <= FOUND_RECORDS else records.values("pk"))
        return found


def _make_filter(given: Mapping[str, str]) -> Q:
    condition = Q()
    if name := given.get("type"):
        condition &= Q(record_type=name)
    if action := given.get("action"):
        condition &= Q(action=action)
    if field := given.get("field"):
        record_type, _, column = field.partition(".")
        condition &= Q(record_type=record_type) & (Q(before__has_key=column) | Q(after__has_key=column))
    if outcome := given.get("outcome"):
        stored = {Outcome.REMOVED: Action.CREATED, Outcome.RESTORED: Action.UPDATED}
        undone = stored.get(Outcome(outcome))
        condition &= Q(outcome=outcome) if undone is None else Q(outcome=None, action=undone)
    return condition


def _show(request: HttpRequest, change: Change, texts: RecordTexts, *, is_reverted: bool) -> ShownChange:
    outcome = change.find_outcome(is_reverted=is_reverted)
    return ShownChange(
        record=show_record(request, change, texts),
        outcome=f"{change.action}, {_describe_outcome(change, outcome, texts)}" if outcome else change.action,
        values=list(_list_values(change, outcome, texts)),
    )


def _describe_outcome(change: Change, outcome: str, texts: RecordTexts) -> str:
    kept = texts.sort_fields(change.record_type, change.kept_fields or ())
    labels = ", ".join(texts.label(change.record_type, column) for column in kept)
    return f"{outcome}: {labels}" if labels else outcome


def _list_values(change: Change, outcome: str | None, texts: RecordTexts) -> Iterator[ShownValue]:
    record_type, before, after = change.record_type, change.before or {}, change.after or {}
    for column in texts.sort_fields(record_type, before.keys() | after.keys()):
        was, became = (texts.describe(record_type, column, side.get(column)) for side in (before, after))
        now = texts.describe_now(change, column)
        is_restored = outcome in (Outcome.RESTORED, Outcome.KEPT) and column not in (change.kept_fields or ())
        parts = _compare(printable(was, VALUE_LENGTH), printable(became, VALUE_LENGTH))
        yield ShownValue(
            texts.label(record_type, column),
            *parts,
            now=printable(now, VALUE_LENGTH),
            is_edited=bool(texts.find_record(change)) and now != (was if is_restored and before else became),
        )


def _compare(before: str, after: str) -> tuple[Parts, Parts]:
    """Both values in parts, word by word: those that the other one does not have are marked."""
    if not before or not after:
        return [(before, False)], [(after, False)]
    words = before.split(" "), after.split(" ")
    sides: tuple[list[tuple[str, bool]], list[tuple[str, bool]]] = ([], [])
    for tag, *bounds in SequenceMatcher(None, words[0], words[1], autojunk=False).get_opcodes():
        for side, its_words, (first, last) in zip(sides, words, (bounds[:2], bounds[2:]), strict=True):
            if first < last:
                side.append((" ".join(its_words[first:last]), tag != "equal"))
    return sides
