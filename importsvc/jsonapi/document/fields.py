"""Serializer fields of the page: time stamps in the organization's zone, to-one linkage, strict input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Any

from django.db.models import DateTimeField
from rest_framework import serializers
from rest_framework_json_api.relations import ResourceRelatedField
from rest_framework_json_api.serializers import ModelSerializer

BLANK = "can't be blank"


def write_time_stamp(at: datetime, zone: tzinfo) -> str:
    """``2020-08-11T01:04:34.303+02:00``: milliseconds, and the offset that the zone has then."""
    return at.astimezone(zone).isoformat(timespec="milliseconds")


class TimestampField(serializers.DateTimeField):
    """A time stamp that documents show in the organization's zone."""


class ToOneField(ResourceRelatedField):
    """Linkage to one resource that is known by its id alone: nothing is read from the database for it.

    ``id_type`` is ``str``, except where the page has a number.
    """

    def __init__(self, resource_type: str, *, id_type: Callable[[Any], Any] = str, **kwargs: Any) -> None:
        self.resource_type = resource_type
        self.id_type = id_type
        super().__init__(read_only=True, **kwargs)


class EmptyToOneField(ToOneField):
    """Linkage that the page shows and nothing here can fill: always ``null``."""


class RawJsonField(serializers.Field):
    """Takes whatever JSON was sent and leaves every check to the core, which checks more and faster than DRF."""

    default_error_messages = {"required": BLANK, "null": BLANK}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(write_only=True, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """What was sent."""
        return data


class StrictBooleanField(serializers.BooleanField):
    """``true`` or ``false``, no words or numbers that mean them."""

    default_error_messages = {"invalid": "must be true or false"}

    def to_internal_value(self, data: Any) -> bool:
        """The value."""
        if not isinstance(data, bool):
            self.fail("invalid")
        return bool(data)


class StrictChoiceField(serializers.ChoiceField):
    """One of a few words."""

    default_error_messages = {"invalid": "must be one of {choices}", "null": "must be one of {choices}"}

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        """As usual, but null is refused like any other value that is none of the words."""
        return (False, data) if data is None else super().validate_empty_values(data)

    def to_internal_value(self, data: Any) -> str:
        """The value."""
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid", choices=", ".join(self.choices))
        return data


class StrictIdField(serializers.IntegerField):
    """A positive whole number that fits into PostgreSQL's bigint, no text."""

    default_error_messages = {"invalid": "must be a positive whole number"}

    def to_internal_value(self, data: Any) -> int:
        """The value."""
        if type(data) is not int or not 0 < data < 2**63:
            self.fail("invalid")
        return int(data)


class JsonApiSerializer(ModelSerializer):
    """What the serializers of all resources have in common.

    They say what resources look like and check what clients send; documents are made from what they say, without
    running them (``importsvc.jsonapi.document.compiled``).

    Put ``id`` first in ``Meta.fields``. Fields of ``Meta.fields_on_request`` are only shown if ``fields[type]=`` names
    them.
    """

    serializer_field_mapping = {**ModelSerializer.serializer_field_mapping, DateTimeField: TimestampField}

    # Of the resources that ``include`` can reach, by relationship.
    included_serializers: Mapping[str, type[JsonApiSerializer]] = {}

    def to_internal_value(self, data: dict[str, Any]) -> dict[str, Any]:
        """Clean attributes; those that can only be read are ignored, since clients send back what they got.

        Raises:
            ValidationError: with every wrong attribute, unknown ones included.
        """
        errors: dict[str, list[Any]] = {name: ["is not a known attribute"] for name in data if name not in self.fields}
        try:
            clean = super().to_internal_value(data)
        except serializers.ValidationError as error:
            errors = {**error.detail, **errors}  # type: ignore[dict-item]
        if errors:
            raise serializers.ValidationError(errors)
        return clean
