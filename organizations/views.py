"""Organizations over HTTP, and what the views of everything that belongs to one have in common."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from importsvc.jsonapi.views import JsonApiViewSet, RetrieveMixin
from organizations.features import organization_features
from organizations.models import Organization
from organizations.serializers import OrganizationSerializer


class OrganizationScopedViewSet(JsonApiViewSet):
    """A resource of which the caller sees what the caller's organization has; nothing else exists."""

    @property
    def caller(self) -> Any:
        """The person who is asking; its class is the business of the authentication."""
        return self.request.user

    @property
    def organization(self) -> Organization:
        """The caller's organization."""
        return self.caller.organization

    @classmethod
    def get_records(cls, parameters: Mapping[str, Any]) -> Any:
        """Only what is the organization's."""
        records: Any = super().get_records(parameters)
        return records.for_organization(Organization(pk=parameters["organization_id"]))

    def get_parameters(self) -> dict[str, Any]:
        """Whose records they are."""
        return {"organization_id": self.organization.pk}

    @property
    def time_zone(self) -> tzinfo:
        """The organization's zone."""
        return self.organization.zone

    def get_document_meta(self) -> dict[str, Any]:
        """``organization_features``, as on every success of the page."""
        return {"organization_features": organization_features(self.organization)}


class OrganizationViewSet(RetrieveMixin, OrganizationScopedViewSet):
    """The caller's own organization, read-only."""

    queryset = Organization.objects.all()
    serializer_class = OrganizationSerializer
