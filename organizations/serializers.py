"""Organizations as resources."""

from importsvc.jsonapi.document.fields import JsonApiSerializer, ToOneField
from organizations.models import Organization


class OrganizationRelation(ToOneField):
    """The ``organization`` of a resource. Its id is the only one that the page writes as a number."""

    def __init__(self) -> None:
        super().__init__("organizations", id_type=int)


class OrganizationSerializer(JsonApiSerializer):
    """``organizations`` (contract, section 2.6)."""

    class Meta:
        model = Organization
        resource_name = "organizations"
        fields = ["id", "name", "time_zone", "default_currency", "created_at"]
