"""Staged rows and errors as resources: attributes, filters, and the bodies of corrections (docs/row-errors.md)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from django_filters import FilterSet
from rest_framework import serializers

from importsvc.imports.api.serializers import ImportSerializer
from importsvc.imports.models import StagedRowError
from importsvc.imports.services import RowWithErrors, get_error_codes, get_record_types
from importsvc.jsonapi.document.fields import JsonApiSerializer, StrictTextField
from importsvc.jsonapi.document.resources import Attribute, Relationship, Resource
from importsvc.jsonapi.request.filters import TextFilter, WordFilter
from importsvc.jsonapi.request.query import Listing
from importsvc.text.display import printable
from importsvc.text.strict_json import AmbiguousObject

_TEXT: Mapping[str, Any] = {"type": "string"}
_NULLABLE_TEXT: Mapping[str, Any] = {"type": ["string", "null"]}
_NUMBER: Mapping[str, Any] = {"type": "integer", "minimum": 1}
_NULLABLE_NUMBER: Mapping[str, Any] = {"type": ["integer", "null"], "minimum": 1}

# The JSON schemas of the attributes of errors and of rows, for the description of the API.
OF_ERRORS: Mapping[str, Any] = {
    "record_type": _TEXT,
    "row": _NUMBER,
    "line": _NULLABLE_NUMBER,
    "sheet": _NULLABLE_TEXT,
    "column": _NULLABLE_TEXT,
    "header": _NULLABLE_TEXT,
    "value": _NULLABLE_TEXT,
    "code": {**_TEXT, "enum": get_error_codes()},
    "message": _TEXT,
    "other_row": _NULLABLE_NUMBER,
}
OF_ROWS: Mapping[str, Any] = {
    "record_type": _TEXT,
    "row": _NUMBER,
    "line": _NULLABLE_NUMBER,
    "sheet": _NULLABLE_TEXT,
    "cells": {
        "description": "The row as submitted: an object, unless that is an error. Null if it is nested too deep."
    },
    "errors": {"type": "array", "items": {"type": "object"}},
}
_OF_GROUPS = {
    **{name: OF_ERRORS[name] for name in ("record_type", "column", "code", "value")},
    "count": _NUMBER,
    "first_row": _NUMBER,
    "message": _TEXT,
}
SUMMARY_META: Mapping[str, Any] = {
    "summary": {"type": "array", "items": {"type": "object", "properties": _OF_GROUPS}},
}
COUNT_META: Mapping[str, Any] = {"error_count": {"type": "integer", "minimum": 0}}

PLACE: Mapping[str, Any] = {
    "record_type": {**_TEXT, "pattern": "^[a-z_]{1,63}$"},
    "row": {**_TEXT, "pattern": "^[1-9][0-9]{0,9}$"},
}

# The members of the errors in a row: those that the row does not have itself.
_IN_ROWS = ("column", "header", "value", "code", "message", "other_row")


def _declare(resource_type: str, schemas: Mapping[str, Any]) -> Resource:
    attributes = tuple(Attribute(name, name, is_time_stamp=False) for name in schemas)
    relationships = {"import": Relationship("import", None, "imports", str)}
    return Resource(resource_type, "id", attributes, relationships, included={}, default_paths=())


ERRORS = _declare("import_errors", OF_ERRORS)
ROWS = _declare("import_rows", OF_ROWS)


class ErrorFilterSet(FilterSet):
    """``filter[record_type]``, ``filter[column]`` and ``filter[code]``."""

    record_type = WordFilter(words=get_record_types)
    column = TextFilter()
    code = WordFilter(words=get_error_codes)

    class Meta:
        model = StagedRowError
        fields: list[str] = []


class RowFilterSet(FilterSet):
    """``filter[record_type]`` and ``filter[has_errors]``, of rows that are in no table of their own."""

    record_type = WordFilter(words=get_record_types)
    has_errors = WordFilter(words=lambda: ("true", "false"))

    class Meta:
        model = StagedRowError
        fields: list[str] = []


# The actions whose documents are no imports: their resource, and the filters of lists.
RESOURCES: Mapping[str, tuple[Resource, Listing | None]] = {
    "errors": (ERRORS, Listing(ErrorFilterSet)),
    "rows": (ROWS, Listing(RowFilterSet)),
    "row": (ROWS, None),
    "correct_row": (ROWS, None),
    "delete_row": (ROWS, None),
}


class CellsField(serializers.JSONField):
    """Cells by column."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict) or not data:
            raise serializers.ValidationError("must be an object with a value for each column")
        if isinstance(data, AmbiguousObject):
            raise serializers.ValidationError(f"names '{printable(data.repeated[0])}' twice")
        return data


class RowSerializer(JsonApiSerializer):
    """The body of ``PATCH …/rows/{type}/{row}``."""

    cells = CellsField()
    errors = serializers.JSONField(read_only=True)

    class Meta:
        model = StagedRowError
        fields = ["record_type", "row", "line", "sheet", "cells", "errors"]
        read_only_fields = ["record_type", "row", "line", "sheet"]
        ignored_in_requests = ["errors"]

    class JSONAPIMeta:
        resource_name = "import_rows"


class ReplacementSerializer(ImportSerializer):
    """The body of ``POST …/replacements``: where a value is replaced. Without ``from`` any value is."""

    record_type = StrictTextField(write_only=True)
    column = StrictTextField(write_only=True, allow_blank=True)
    to = serializers.JSONField(write_only=True, allow_null=True)

    class Meta(ImportSerializer.Meta):
        fields = ["id", "record_type", "column", "from", "to"]
        fields_on_request: list[str] = []
        read_only_fields: list[str] = []

    def get_fields(self) -> dict[str, Any]:
        """The field whose name is a keyword of Python is added here."""
        declared = {name: self._declared_fields[name] for name in ("record_type", "column", "to")}
        before = serializers.JSONField(write_only=True, allow_null=True, required=False)
        return {**copy.deepcopy(declared), "from": before}


class CheckSerializer(ImportSerializer):
    """The body of ``POST …/check``, which has no attributes."""

    class Meta(ImportSerializer.Meta):
        fields = ["id"]
        fields_on_request: list[str] = []
        read_only_fields: list[str] = []

    def get_fields(self) -> dict[str, Any]:
        """None."""
        return {}


def name_row(row: RowWithErrors) -> str:
    """The id of a row's resource: ``person-3``."""
    return f"{row.record_type}-{row.row}"


def name_error(error: StagedRowError) -> str:
    """The id of an error's resource: ``person-3-0``."""
    return f"{error.record_type}-{error.row}-{error.number}"


def describe_error(error: StagedRowError) -> dict[str, Any]:
    """The attributes of an error."""
    return {name: getattr(error, name) for name in OF_ERRORS} | {"sheet": error.sheet or None}


def describe_row(row: RowWithErrors) -> dict[str, Any]:
    """The attributes of a row."""
    errors = [{name: getattr(error, name) for name in _IN_ROWS} for error in row.errors]
    return {name: getattr(row, name) for name in OF_ROWS} | {"sheet": row.sheet or None, "errors": errors}
