"""People as resources, with the attributes in ``included`` of the published page."""

from companies.serializers import CompanySerializer
from importsvc.jsonapi.document.fields import EmptyToOneField, JsonApiSerializer, ToOneField
from organizations.serializers import OrganizationRelation
from people.models import Person


class PersonSerializer(JsonApiSerializer):
    """``people``. ``subsidiary`` of the published page is always null."""

    organization = OrganizationRelation()
    company = ToOneField("companies")
    subsidiary = EmptyToOneField("subsidiaries")

    included_serializers = {"company": CompanySerializer}

    class Meta:
        model = Person
        resource_name = "people"
        fields = [
            "id",
            "first_name",
            "last_name",
            "email",
            "title",
            "joined_at",
            "last_seen_at",
            "deactivated_at",
            "archived_at",
            "role_id",
            "invited_at",
            "is_user",
            "tag_list",
            "avatar_url",
            "virtual",
            "custom_fields",
            "autotracking",
            "created_at",
            "placeholder",
            "color_id",
            "private_custom_reports_used",
            "external_id",
            "organization",
            "company",
            "subsidiary",
        ]
        fields_on_request = ["external_id"]
