"""Import sessions as resources. The URL of a link is only in the response that makes it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from importsvc.import_sessions import services
from importsvc.import_sessions.models import ImportSession
from importsvc.jsonapi.document.fields import (
    JsonApiSerializer,
    StrictIdField,
    StrictTextField,
    ToOneField,
)
from organizations.serializers import OrganizationRelation
from people.serializers import PersonSerializer


class RecordTypesField(serializers.ListField):
    """A list of names of types. The services check the names."""

    default_error_messages = {"not_a_list": "must be a list of text", "null": "must be a list of text"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.CharField(), **kwargs)

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list) or not all(isinstance(each, str) for each in data):
            self.fail("not_a_list")
        return list(data)


class LifetimeField(serializers.IntegerField):
    """A JSON integer, in seconds. The services check the range."""

    default_error_messages = dict.fromkeys(("invalid", "null"), services.LIFETIME_REFUSED)

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return int(data)


class ImportSessionSerializer(JsonApiSerializer):
    """``import_sessions``."""

    record_types = RecordTypesField(required=False)
    import_model_id = StrictIdField(required=False, allow_null=True)
    return_url = StrictTextField(required=False, allow_null=True, trim_whitespace=False)
    theme_color = StrictTextField(required=False, allow_null=True, trim_whitespace=False)
    frame_origin = StrictTextField(required=False, allow_null=True, trim_whitespace=False)
    organization = OrganizationRelation()
    creator = ToOneField("people")
    person = ToOneField("people")

    included_serializers = {"creator": PersonSerializer, "person": PersonSerializer}

    class Meta:
        model = ImportSession
        resource_name = "import_sessions"
        fields = [
            "id",
            "record_types",
            "import_model_id",
            "may_revert",
            "return_url",
            "theme_color",
            "frame_origin",
            "created_at",
            "expires_at",
            "organization",
            "creator",
            "person",
        ]
        read_only_fields = ["may_revert", "created_at", "expires_at"]


class NewImportSessionSerializer(ImportSessionSerializer):
    """The body of ``POST /import_sessions``: also for how long the link works."""

    lifetime_seconds = LifetimeField(
        required=False,
        write_only=True,
        help_text=f"From 1 to {services.LONGEST_LIFETIME_SECONDS}, which is the default.",
    )

    class Meta(ImportSessionSerializer.Meta):
        fields = [*ImportSessionSerializer.Meta.fields, "lifetime_seconds"]
