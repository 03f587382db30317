"""Organizations over HTTP, and what the views of everything that belongs to one have in common."""

from __future__ import annotations

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

    def get_queryset(self) -> Any:
        """Only what is the organization's."""
        queryset: Any = super().get_queryset()
        return queryset.for_organization(self.organization)

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
