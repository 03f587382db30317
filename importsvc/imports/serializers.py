"""Imports as resources: the page's six attributes out, the staged rows in."""

from importsvc.imports.models import Import
from importsvc.jsonapi.fields import JsonApiSerializer, RawJsonField, StrictBooleanField, StrictIdField, ToOneField
from organizations.serializers import OrganizationRelation
from people.serializers import PersonSerializer


class ImportSerializer(JsonApiSerializer):
    """``imports``. ``import_data`` is never in a response."""

    import_model_id = StrictIdField(required=False, allow_null=True)
    creator_id = StrictIdField(read_only=True)
    sample = StrictBooleanField(required=False, allow_null=True)
    import_data = RawJsonField()
    organization = OrganizationRelation()
    creator = ToOneField("people")

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
            "import_data",
            "organization",
            "creator",
        ]
        read_only_fields = ["started_at", "processed_at", "reverted_at"]

    class JSONAPIMeta:
        resource_name = "imports"
        included_resources = ["creator", "creator.company"]


class ImportRunSerializer(ImportSerializer):
    """The body of ``POST …/import``: the rows may be left out, and nothing else can be said."""

    import_data = RawJsonField(required=False)
    import_model_id = StrictIdField(read_only=True)
    sample = StrictBooleanField(read_only=True)


class ImportRevertSerializer(ImportRunSerializer):
    """The body of ``PATCH …/revert``, where one is sent: there is nothing to say."""

    class Meta(ImportSerializer.Meta):
        fields = [name for name in ImportSerializer.Meta.fields if name != "import_data"]
