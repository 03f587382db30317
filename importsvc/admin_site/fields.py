"""Form fields that do not alter stored values: JSON objects, multi-line text, lists."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput

from importsvc.text.strict_json import read_json


class JsonObjectField(forms.JSONField):
    """A JSON object as text. A value that PostgreSQL cannot store is an error; blank is ``empty_value``."""

    json_type: type = dict
    expectation = 'Enter a JSON object that names each member once, such as {"key": "value"}.'

    def to_python(self, value: Any) -> Any:
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
        if type(read) is not self.json_type:
            raise ValidationError(self.expectation)
        if "\\u0000" in storable:
            raise ValidationError("This cannot be stored: it contains a NUL character.")
        return read

    def bound_data(self, data: Any, initial: Any) -> Any:
        return initial if self.disabled else InvalidJSONInput(data or "")

    def prepare_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        return json.dumps(value, ensure_ascii=False, indent=2)


class JsonListField(JsonObjectField):
    """A JSON array as text; otherwise as ``JsonObjectField``."""

    json_type = list
    expectation = 'Enter a JSON array, such as ["a", "b"].'


class LongTextField(forms.CharField):
    """Multi-line text with ``\\n`` as line end."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(value.replace("\r\n", "\n") if isinstance(value, str) else value)


class LinesField(SimpleArrayField):
    """A list of texts, one per line; blank lines are left out."""

    def __init__(self, base_field: forms.Field, **options: Any) -> None:
        options["help_text"] = options.get("help_text") or "One per line."
        super().__init__(base_field, delimiter="\n", **options)

    def to_python(self, value: Any) -> Any:
        lines = value.split("\n") if isinstance(value, str) else value
        return super().to_python([line for line in lines or [] if line.strip()])
