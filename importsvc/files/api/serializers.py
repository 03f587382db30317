"""Files as resources. Their bytes are in no document."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from importsvc.files.models import ImportFile
from importsvc.jsonapi.document.fields import JsonApiSerializer, StrictTextField, ToOneField
from organizations.serializers import OrganizationRelation
from people.serializers import PersonSerializer


class OptionField(StrictTextField):
    """A text of any characters, or null, which goes back to the guess. The services check the text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, allow_null=True, trim_whitespace=False, **kwargs)


class HeaderRowField(serializers.IntegerField):
    """The number of a row from 1, 0 for none, or null."""

    default_error_messages = {"invalid": "must be a whole number from 0 to 1000000"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, allow_null=True, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int or not 0 <= data <= 1_000_000:
            self.fail("invalid")
        return int(data)


class ImportFileSerializer(JsonApiSerializer):
    """``import_files``."""

    size = serializers.IntegerField(read_only=True)
    line_count = serializers.IntegerField(read_only=True)
    format = OptionField()
    encoding = OptionField()
    separator = OptionField()
    quote = OptionField()
    decimal_sign = OptionField()
    date_order = OptionField()
    header_row = HeaderRowField()
    sheet = OptionField()
    organization = OrganizationRelation()
    creator = ToOneField("people")

    included_serializers = {"creator": PersonSerializer}

    class Meta:
        model = ImportFile
        resource_name = "import_files"
        fields = [
            "id",
            "name",
            "content_type",
            "size",
            "sha256",
            "format",
            "encoding",
            "separator",
            "quote",
            "decimal_sign",
            "date_order",
            "header_row",
            "sheet",
            "guesses",
            "sheets",
            "line_count",
            "sampled_row_count",
            "columns",
            "created_at",
            "pruned_at",
            "organization",
            "creator",
        ]
        read_only_fields = [
            "name",
            "content_type",
            "size",
            "sha256",
            "guesses",
            "sheets",
            "line_count",
            "sampled_row_count",
            "columns",
            "created_at",
            "pruned_at",
        ]
