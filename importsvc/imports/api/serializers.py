"""Imports as resources: the six attributes of the published page, further ones on request, and rows in requests."""

from typing import Any, get_args

from rest_framework import serializers

from importsvc.files.models import OnDuplicate
from importsvc.imports.models import Import, OnRowError
from importsvc.imports.selectors import STATES, show_state
from importsvc.imports.services import OnConflict, get_match_keys
from importsvc.jsonapi.document.fields import (
    ComputedField,
    JsonApiSerializer,
    RawJsonField,
    StrictBooleanField,
    StrictChoiceField,
    StrictIdField,
    ToOneField,
)
from importsvc.operations.selectors import describe_progress, order_progress, show_running
from organizations.serializers import OrganizationRelation
from people.serializers import PersonSerializer


class MatchKeyField(StrictChoiceField):
    """The name of a unique column of any type, or null."""

    def __init__(self, **kwargs: Any) -> None:
        # Types may be registered after this module is imported; each serializer makes its own fields.
        super().__init__(choices=get_match_keys(), allow_null=True, **kwargs)


class ImportSerializer(JsonApiSerializer):
    """``imports``. ``import_data`` is never in a response."""

    import_model_id = StrictIdField(required=False, allow_null=True)
    creator_id = StrictIdField(read_only=True)
    sample = StrictBooleanField(required=False, allow_null=True)
    import_data = RawJsonField()
    on_duplicate = StrictChoiceField(OnDuplicate.values, required=False)
    match_by = MatchKeyField(required=False)
    on_row_error = StrictChoiceField(OnRowError.values, required=False)
    error_count = serializers.IntegerField(read_only=True)
    mapping = serializers.JSONField(read_only=True)
    counts = serializers.JSONField(read_only=True)
    file_counts = serializers.JSONField(read_only=True)
    state = ComputedField(show_state, schema={"type": "string", "enum": STATES})
    progress = ComputedField(show_running, write=order_progress, schema=describe_progress(of_import=True))
    organization = OrganizationRelation()
    creator = ToOneField("people")
    import_file = ToOneField("import_files")

    included_serializers = {"creator": PersonSerializer}

    class Meta:
        model = Import
        resource_name = "imports"
        fields = [
            "id",
            "import_model_id",
            "creator_id",
            "sample",
            "started_at",
            "processed_at",
            "reverted_at",
            "on_duplicate",
            "match_by",
            "on_row_error",
            "error_count",
            "counts",
            "pruned_at",
            "state",
            "progress",
            "import_data",
            "mapping",
            "file_counts",
            "organization",
            "creator",
            "import_file",
        ]
        fields_on_request = [
            "mapping",
            "file_counts",
            "import_file",
            "on_duplicate",
            "match_by",
            "on_row_error",
            "error_count",
            "counts",
            "pruned_at",
            "state",
            "progress",
        ]
        read_only_fields = ["started_at", "processed_at", "reverted_at", "pruned_at"]
        ignored_in_requests = ["progress"]

    class JSONAPIMeta:
        resource_name = "imports"
        included_resources = ["creator", "creator.company"]


class FileImportSerializer(ImportSerializer):
    """The body of ``POST /imports`` with the relationship ``import_file``: a mapping in place of rows."""

    import_data = None  # type: ignore[assignment]  # the field of the base class is left out
    mapping = serializers.JSONField(required=False, allow_null=True)

    class Meta(ImportSerializer.Meta):
        fields = [name for name in ImportSerializer.Meta.fields if name != "import_data"]


class ImportRunSerializer(ImportSerializer):
    """The body of ``POST …/import``: optional rows, what becomes of duplicates, and by what these are found."""

    import_data = RawJsonField(required=False)
    import_model_id = StrictIdField(read_only=True)
    sample = StrictBooleanField(read_only=True)


class ImportRevertSerializer(ImportRunSerializer):
    """The optional body of ``PATCH …/revert``: what becomes of conflicts."""

    on_conflict = StrictChoiceField(get_args(OnConflict), required=False, write_only=True)
    on_duplicate = StrictChoiceField(OnDuplicate.values, read_only=True)
    match_by = MatchKeyField(read_only=True)
    on_row_error = StrictChoiceField(OnRowError.values, read_only=True)

    class Meta(ImportSerializer.Meta):
        fields = [*(name for name in ImportSerializer.Meta.fields if name != "import_data"), "on_conflict"]
