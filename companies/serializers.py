"""Companies as resources, with the attributes in ``included`` of the published page."""

from companies.models import Company
from importsvc.jsonapi.document.fields import EmptyToOneField, JsonApiSerializer
from organizations.serializers import OrganizationRelation


class CompanySerializer(JsonApiSerializer):
    """``companies``. ``bill_to`` of the published page is always null."""

    organization = OrganizationRelation()
    bill_to = EmptyToOneField("contact_entries")

    class Meta:
        model = Company
        resource_name = "companies"
        fields = [
            "id",
            "name",
            "default_currency",
            "created_at",
            "archived_at",
            "avatar_url",
            "invoice_email_recipients",
            "custom_fields",
            "description",
            "due_days",
            "tag_list",
            "external_id",
            "organization",
            "bill_to",
        ]
        fields_on_request = ["external_id"]
