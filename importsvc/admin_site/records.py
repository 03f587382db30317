"""Admin pages of records that imports and reverts also write. The forms only write the fields that the user changed."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import display_for_field
from django.contrib.postgres.fields import ArrayField
from django.core import signing
from django.db import DatabaseError, connection, models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.text import Truncator
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from importsvc.admin_site.fields import JsonObjectField, LinesField, LongTextField
from importsvc.admin_site.lists import ListAdmin
from importsvc.admin_site.record_history import read_history
from importsvc.postgres.transaction_limits import get_lock_timeout, is_lock_timeout, limit_transaction
from importsvc.postgres.write_conflicts import is_write_conflict, retry

# The hidden field of a page that carries ``RecordForm.opened_with``.
OPENED_WITH = "opened_with"

NOT_OPENED = "This page does not say which values it was opened with. Open it again and repeat your changes."
CHANGED_MEANWHILE = "This was changed to “{}” after the form was opened. Save again to overwrite it."
CLEARED_MEANWHILE = "This was cleared after the form was opened. Save again to overwrite it."
GONE = "This {} does not exist any more: it was deleted, or the import that created it was reverted. Nothing was saved."
LOCKED = "An import, a revert or another form has held this record for {} seconds. Nothing was saved; try again later."
BUSY = "Other transactions kept writing the same records. Nothing was saved; try again."

_LONGEST_VALUE = 500
_LINE_END = re.compile(r"\r\n|\r|\n")


class RecordForm(forms.ModelForm):
    """A form that only writes the fields that were changed in it. It never changes the record's organization.

    The page has a hidden field with the values that the form was opened with. Fields that differ from them were changed
    in the form: only these are validated and written. All other fields keep their values in the database, including
    microseconds and line ends. A field that was changed both in the form and in the database is an error that shows the
    value in the database; the form then counts as opened with that value.

    ``RecordAdmin`` locks and reads ``instance`` in the transaction that saves it.

    Attributes:
        is_new: whether the form creates a record.
        stored: the values in the database by field, as JSON.
        opened: the values that the form was opened with, as JSON; ``None`` if the page does not have them.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.is_new = self.instance._state.adding
        self.stored: dict[str, str] = {}
        self.opened: dict[str, str] | None = None
        self._conflicts: set[str] = set()
        if self.is_new:
            return
        # Disabled, not read-only: Django only validates constraints whose fields are all in the form.
        if "organization" in self.fields:
            self.fields["organization"].disabled = True
        self._stored_initial = dict(self.initial)
        self.stored = {name: _to_json(value) for name, value in self.initial.items()}
        if not self.is_bound:
            self.opened = self.stored
            return
        self.opened = self._read_opened_with()
        for name, value in (self.opened or {}).items():
            if name in self.initial and not self.fields[name].disabled:
                self.initial[name] = self._get_model_field(name).to_python(json.loads(value))

    @property
    def opened_with(self) -> str:
        """The value of the hidden field, signed for this record; blank if there are no values."""
        if self.opened is None:
            return ""
        shown = {name: self.stored[name] for name in self._conflicts}
        return signing.dumps({**self.opened, **shown}, salt=self._get_salt(), compress=True)

    @cached_property
    def changed_data(self) -> list[str]:
        """The fields that were changed in the form: those that were sent with another value than shown."""
        return [name for name in super().changed_data if not self._is_sent_as_shown(name)]

    def clean(self) -> dict[str, Any] | None:
        """The values to write: of an existing record, those of the changed fields."""
        super().clean()
        if self.is_new:
            return self.cleaned_data
        if self.changed_data and self.opened is None:
            self.add_error(None, NOT_OPENED)
        elif self.opened is not None:
            self._conflicts = {name for name in self.changed_data if self._is_changed_meanwhile(name, self.opened)}
        for name in self._conflicts:
            self.add_error(name, self._describe_stored(name))
        for name in self.fields.keys() - set(self.changed_data):
            # An unchanged field may have an outdated value. It is not written, so it needs no validation.
            self.errors.pop(name, None)
        return {name: value for name, value in self.cleaned_data.items() if name in self.changed_data}

    def _is_sent_as_shown(self, name: str) -> bool:
        """Whether the field was sent with the value that was shown, or was not sent."""
        field, sent = self.fields[name], self[name].data
        if field.widget.value_omitted_from_data(self.data, self.files, self.add_prefix(name)):
            return True
        shown = field.widget.format_value(field.prepare_value(self[name].initial))
        if not isinstance(shown, str) or not isinstance(sent, str):
            return False
        # Browsers rewrite the line ends in text areas, and remove them from single-line inputs.
        line_end = "\n" if isinstance(field.widget, forms.Textarea) else ""
        return _LINE_END.sub(line_end, shown) == _LINE_END.sub(line_end, sent)

    def _is_changed_meanwhile(self, name: str, opened: dict[str, str]) -> bool:
        if opened.get(name) == self.stored[name]:
            return False
        return self.fields[name].has_changed(self._stored_initial[name], self[name].data)

    def _describe_stored(self, name: str) -> str:
        value = getattr(self.instance, name)
        shown = display_for_field(value, self._get_model_field(name), "", avoid_link=True)
        return CHANGED_MEANWHILE.format(Truncator(shown).chars(_LONGEST_VALUE)) if shown else CLEARED_MEANWHILE

    def _read_opened_with(self) -> dict[str, str] | None:
        try:
            return dict(signing.loads(self.data.get(OPENED_WITH, ""), salt=self._get_salt()))
        except signing.BadSignature:
            return None

    def _get_salt(self) -> str:
        return f"{OPENED_WITH}:{self.instance._meta.label_lower}:{self.instance.pk}"

    def _get_model_field(self, name: str) -> Any:
        return self.instance._meta.get_field(name)


def _in_transaction(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view, with each POST request as one transaction, which is tried again after a write conflict."""

    @functools.wraps(view)
    def handle(self: RecordAdmin, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        if request.method != "POST":
            return view(self, request, *args, **options)

        def respond() -> HttpResponse:
            with transaction.atomic():
                limit_transaction()
                return view(self, request, *args, **options)

        try:
            return retry(respond)
        except DatabaseError as error:
            if is_lock_timeout(error):
                problem = LOCKED.format(get_lock_timeout())
            elif is_write_conflict(error):
                problem = BUSY
            else:
                raise
        self.message_user(request, problem, messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    return handle


class RecordAdmin(ListAdmin):
    """Lists that are fast with millions of records, newest first, and forms that distinguish null from blank.

    A POST request locks its record and reads it again. After a write conflict with another transaction the request is
    handled again from the start: the form then finds the values of that transaction and shows them.
    """

    form = RecordForm
    formfield_overrides = {
        models.TextField: {"form_class": LongTextField},
        models.JSONField: {"form_class": JsonObjectField, "widget": UnfoldAdminTextareaWidget(attrs={"rows": 4})},
        models.URLField: {"assume_scheme": "https"},
        ArrayField: {"form_class": LinesField, "widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})},
    }
    change_form_before_template = "admin_site/opened_with.html"
    object_history_template = "admin_site/record_history.html"
    ordering = ["-id"]
    list_per_page = 50
    show_full_result_count = False

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **options: Any) -> Any:
        """The form's field. Blank input becomes null if the column may be null, as Django does for single-line text."""
        if isinstance(db_field, models.TextField | models.JSONField):
            options["empty_value"] = None if db_field.null else db_field.get_default()
        form_field: Any = super().formfield_for_dbfield(db_field, request, **options)
        if db_field.name == "organization":
            # A new organization's page shows its token in a message, which a pop-up window would lose.
            form_field.widget.can_add_related = form_field.widget.can_change_related = False
        return form_field

    changeform_view = _in_transaction(ModelAdmin.changeform_view)
    delete_view = _in_transaction(ModelAdmin.delete_view)
    changelist_view = _in_transaction(ModelAdmin.changelist_view)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of what staff and, for records that they write, imports did to the record."""
        record = self.get_object(request, object_id)
        if record and self.has_view_or_change_permission(request, record):
            events = read_history(request, record)
            extra_context = {"events": events, "has_sources": events is not None, **(extra_context or {})}
        return super().history_view(request, object_id, extra_context)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The record, which a POST request locks until its transaction ends; ``None`` if there is none."""
        record = super().get_object(request, object_id, from_field)
        if record is None or request.method != "POST" or not connection.in_atomic_block:
            return record
        return _find_row(record).select_for_update(no_key=True).first()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Insert a new record, or update the changed fields of an existing one."""
        if not change:
            super().save_model(request, obj, form, change)
        elif form.cleaned_data:
            _find_row(obj).update(**form.cleaned_data)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        # Django redirects to the home page, with a less precise message.
        self.message_user(request, GONE.format(opts.verbose_name), messages.WARNING)
        return HttpResponseRedirect(reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist"))


def _find_row(record: Any) -> models.QuerySet[Any]:
    """A queryset of the record's row. It names the organization if the table has that column."""
    rows = type(record)._default_manager.filter(pk=record.pk)
    return rows.filter(organization_id=record.organization_id) if hasattr(record, "organization_id") else rows


def _to_json(value: Any) -> str:
    return json.dumps(value, default=str, sort_keys=True)
