"""Serializer fields: time stamps in the organization's zone, to-one linkage, strict input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Any

from django.db.models import DateTimeField
from django.db.models.expressions import Combinable
from rest_framework import serializers
from rest_framework_json_api.relations import ResourceRelatedField
from rest_framework_json_api.serializers import ModelSerializer

BLANK = "can't be blank"


def write_time_stamp(at: datetime, zone: tzinfo) -> str:
    """The time stamp with milliseconds and the offset of the zone: ``2020-08-11T01:04:34.303+02:00``."""
    return at.astimezone(zone).isoformat(timespec="milliseconds")


class TimestampField(serializers.DateTimeField):
    """A time stamp, written in the organization's zone."""


class ToOneField(ResourceRelatedField):
    """Linkage to one resource, by the id in the foreign key's column.

    ``id_type`` is ``str``, except where the published page has a number.
    """

    def __init__(self, resource_type: str, *, id_type: Callable[[Any], Any] = str, **kwargs: Any) -> None:
        self.resource_type = resource_type
        self.id_type = id_type
        super().__init__(read_only=True, **kwargs)


class EmptyToOneField(ToOneField):
    """Linkage to a resource of the published page that the service does not have: always ``null``."""


class ComputedField(serializers.Field):
    """An attribute that the database computes, and that is not a column.

    Attributes:
        compute: returns the expression. Its argument is the prefix of lookups: empty, or ``creator__`` where the
            resource is included as ``creator``.
        is_time_stamp: whether the value is a time stamp.
        write: converts the value of the expression, unless that is null.
        schema: the JSON schema of the attribute, for the description of the API.
    """

    def __init__(
        self,
        compute: Callable[[str], Combinable],
        *,
        is_time_stamp: bool = False,
        write: Callable[[Any], Any] | None = None,
        schema: Mapping[str, Any],
    ) -> None:
        self.compute = compute
        self.schema = schema
        self.is_time_stamp = is_time_stamp
        self.write = write
        super().__init__(read_only=True)


class RawJsonField(serializers.Field):
    """Any JSON value. The services check it."""

    default_error_messages = {"required": BLANK, "null": BLANK}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(write_only=True, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        return data


class StrictBooleanField(serializers.BooleanField):
    """``true`` or ``false``; other values that DRF accepts, such as ``"yes"`` or ``1``, are errors."""

    default_error_messages = {"invalid": "must be true or false"}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return bool(data)


class StrictTextField(serializers.CharField):
    """A JSON string that is not blank; numbers, which DRF accepts, are errors."""

    default_error_messages = {"invalid": "must be text", "required": BLANK, "null": BLANK, "blank": BLANK}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class StrictChoiceField(serializers.ChoiceField):
    """A string out of a few choices."""

    default_error_messages = {"invalid": "must be one of {choices}", "null": "must be one of {choices}"}

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        """As in DRF, but null that is not allowed is refused with the message for an invalid choice."""
        return (False, data) if data is None and not self.allow_null else super().validate_empty_values(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid", choices=", ".join(self.choices))
        return data


class StrictIdField(serializers.IntegerField):
    """A positive JSON integer that fits into PostgreSQL's bigint; strings are errors."""

    default_error_messages = {"invalid": "must be a positive whole number"}

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int or not 0 < data < 2**63:
            self.fail("invalid")
        return int(data)


class JsonApiSerializer(ModelSerializer):
    """The base class of serializers, which declare resources and validate requests.

    Documents are built from the declaration, without running the serializer (``importsvc.jsonapi.document.compiled``).

    ``id`` comes first in ``Meta.fields``. Fields in ``Meta.fields_on_request`` are only shown if ``fields[type]`` names
    them. Read-only fields in ``Meta.ignored_in_requests`` are those that the service may write at any time, so that
    what a client sends back may be old.
    """

    serializer_field_mapping = {**ModelSerializer.serializer_field_mapping, DateTimeField: TimestampField}

    # The serializers of the resources that ``include`` may name, by relationship.
    included_serializers: Mapping[str, type[JsonApiSerializer]] = {}

    def is_compared(self, name: str) -> bool:
        """Whether documents must have the record's value of this field, if they have the field."""
        return self.fields[name].read_only and name not in getattr(self.Meta, "ignored_in_requests", ())

    def to_internal_value(self, data: dict[str, Any]) -> dict[str, Any]:
        """The clean attributes, without read-only ones, which clients send back as they have received them.

        Raises:
            ValidationError: with all invalid and unknown attributes.
        """
        errors: dict[str, list[Any]] = {name: ["is not a known attribute"] for name in data if name not in self.fields}
        try:
            clean = super().to_internal_value(data)
        except serializers.ValidationError as error:
            errors = {**error.detail, **errors}  # type: ignore[dict-item]
        if errors:
            raise serializers.ValidationError(errors)
        return clean
