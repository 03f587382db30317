"""The API of organizations, and the base class of the views of their records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from importsvc.jsonapi.mixins import RetrieveMixin
from importsvc.jsonapi.views import JsonApiViewSet
from organizations.features import organization_features
from organizations.models import Organization
from organizations.serializers import OrganizationSerializer


class OrganizationScopedViewSet(JsonApiViewSet):
    """A resource whose records belong to organizations. A caller only has access to those of its own."""

    @property
    def caller(self) -> Any:
        """The authenticated person. Its class depends on the authentication."""
        return self.request.user

    @property
    def organization(self) -> Organization:
        """The caller's organization."""
        return self.caller.organization

    @property
    def slot_owner(self) -> int:
        return self.organization.pk

    @classmethod
    def get_records(cls, parameters: Mapping[str, Any]) -> Any:
        records: Any = super().get_records(parameters)
        return records.for_organization(Organization(pk=parameters["organization_id"]))

    def get_parameters(self) -> dict[str, Any]:
        return {"organization_id": self.organization.pk}

    @property
    def time_zone(self) -> tzinfo:
        return self.organization.zone

    def get_document_meta(self) -> dict[str, Any]:
        """``organization_features``, as in all successful responses of the published page."""
        return {"organization_features": organization_features(self.organization)}


class OrganizationViewSet(RetrieveMixin, OrganizationScopedViewSet):
    """The caller's own organization, read-only."""

    queryset = Organization.objects.all()
    serializer_class = OrganizationSerializer
