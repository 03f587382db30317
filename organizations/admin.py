"""The admin of organizations, and what the admin of everything that belongs to one has in common."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.fields import InvalidJSONInput
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from importsvc.text.strict_json import read_json
from organizations.models import Organization


class JsonObjectField(forms.JSONField):
    """A JSON object as text; what the database cannot store is an error. Blank is ``empty_value``."""

    def to_python(self, value: Any) -> Any:
        """The object, or ``empty_value``.

        Raises:
            ValidationError: the text is no JSON object, or PostgreSQL could not store it.
        """
        if not isinstance(value, str):
            return value
        try:
            read = read_json(value) if value.strip() else None
            storable = json.dumps(read, ensure_ascii=False, allow_nan=False)
            storable.encode()
        except ValueError as error:
            raise ValidationError(f"This cannot be stored: {error}.") from None
        if read is None:
            return self.empty_value
        if type(read) is not dict:
            raise ValidationError('Enter a JSON object that names each member once, such as {"key": "value"}.')
        if "\\u0000" in storable:
            raise ValidationError("This cannot be stored: it contains a NUL character.")
        return read

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed, as it was typed."""
        return initial if self.disabled else InvalidJSONInput(data or "")

    def prepare_value(self, value: Any) -> Any:
        """The text to edit."""
        if value is None or isinstance(value, str):
            return value
        return json.dumps(value, ensure_ascii=False, indent=2)


class LongTextField(forms.CharField):
    """Text of several lines, whose line ends are ``\\n``."""

    def to_python(self, value: Any) -> Any:
        """The text, or ``empty_value``."""
        return super().to_python(_with_unix_line_ends(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the text differs in more than the line ends, which browsers rewrite."""
        return super().has_changed(_with_unix_line_ends(initial), data)


class LinesField(SimpleArrayField):
    """A list of text, one entry a line; blank lines are left out."""

    def __init__(self, base_field: forms.Field, **options: Any) -> None:
        options["help_text"] = options.get("help_text") or "One per line."
        super().__init__(base_field, delimiter="\n", **options)

    def to_python(self, value: Any) -> Any:
        """The entries."""
        lines = value.split("\n") if isinstance(value, str) else value
        return super().to_python([line for line in lines or [] if line.strip()])


class RecordForm(forms.ModelForm):
    """Writes only what was edited, and leaves a record in its organization.

    An untouched field keeps its value to the last microsecond and line end: a revert would take anything else for a
    change that somebody made.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.is_new = self.instance._state.adding
        # Disabled, not read-only: constraints are only validated when all their fields are in the form.
        if "organization" in self.fields and not self.is_new:
            self.fields["organization"].disabled = True

    def clean(self) -> dict[str, Any] | None:
        """What is to be written."""
        super().clean()
        if self.is_new:
            return self.cleaned_data
        return {name: value for name, value in self.cleaned_data.items() if name in self.changed_data}


class RecordAdmin(ModelAdmin):
    """Lists that stay quick with millions of records, newest first, and forms that keep null and blank apart."""

    form = RecordForm
    formfield_overrides = {
        models.TextField: {"form_class": LongTextField},
        models.JSONField: {"form_class": JsonObjectField, "widget": UnfoldAdminTextareaWidget(attrs={"rows": 4})},
        models.URLField: {"assume_scheme": "https"},
        ArrayField: {"form_class": LinesField, "widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})},
    }
    ordering = ["-id"]
    list_per_page = 50
    show_full_result_count = False

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **options: Any) -> Any:
        """The form's field. Blank input becomes null where the column may be null, as it already does for one line."""
        if isinstance(db_field, models.TextField | models.JSONField):
            options["empty_value"] = None if db_field.null else db_field.get_default()
        form_field: Any = super().formfield_for_dbfield(db_field, request, **options)
        if db_field.name == "organization":
            # Choosing is no place for making one: the message with its token would be lost in the pop-up window.
            form_field.widget.can_add_related = form_field.widget.can_change_related = False
        return form_field


class OrganizationAdmin(RecordAdmin):
    """Organizations are edited here. ``people.admin`` registers this: making one takes its first person."""

    list_display = ["name", "id", "time_zone", "default_currency", "created_at"]
    search_fields = ["name", "id__exact"]
    fields = ["name", "time_zone", "default_currency", "features", "created_at"]
    readonly_fields = ["created_at"]

    def has_delete_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        """Never: there are always records under it, and asking would list every one of them on a page."""
        return False


def _with_unix_line_ends(value: Any) -> Any:
    return value.replace("\r\n", "\n") if isinstance(value, str) else value
