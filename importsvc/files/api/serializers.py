"""Files and saved mappings as resources. The bytes of files are in no document."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from importsvc.files.mapping.ready_made import get_keys
from importsvc.files.models import ImportFile, ImportModel, MissingCompanies, OnDuplicate
from importsvc.jsonapi.document.fields import JsonApiSerializer, StrictChoiceField, StrictTextField, ToOneField
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


class MemberField(serializers.JSONField):
    """A member of a mapping document, or null for its default. The services check the value."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, allow_null=True, **kwargs)


class ImportModelSerializer(JsonApiSerializer):
    """``import_models``."""

    name = StrictTextField()
    columns = MemberField()
    ignored = MemberField()
    formats = MemberField()
    match_by = OptionField()
    on_duplicate = StrictChoiceField(OnDuplicate.values, required=False)
    missing_companies = StrictChoiceField(MissingCompanies.values, required=False)
    organization = OrganizationRelation()
    creator = ToOneField("people")

    included_serializers = {"creator": PersonSerializer}

    class Meta:
        model = ImportModel
        resource_name = "import_models"
        fields = [
            "id",
            "name",
            "columns",
            "ignored",
            "formats",
            "match_by",
            "on_duplicate",
            "missing_companies",
            "created_at",
            "updated_at",
            "organization",
            "creator",
        ]
        read_only_fields = ["created_at", "updated_at"]
        ignored_in_requests = ["updated_at"]


class NewImportModelSerializer(ImportModelSerializer):
    """The body of ``POST /import_models``: it may be a copy of a ready-made mapping."""

    copy_of = StrictChoiceField(
        get_keys(), required=False, write_only=True, help_text="The key of a ready-made mapping."
    )

    class Meta(ImportModelSerializer.Meta):
        fields = [*ImportModelSerializer.Meta.fields, "copy_of"]


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
    proposed_import_model = ToOneField("import_models")

    included_serializers = {"creator": PersonSerializer, "proposed_import_model": ImportModelSerializer}

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
            "proposed_mapping",
            "created_at",
            "pruned_at",
            "organization",
            "creator",
            "proposed_import_model",
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
            "proposed_mapping",
            "created_at",
            "pruned_at",
        ]
        ignored_in_requests = ["pruned_at"]
