"""Tenant scoping: how every query on an organization's data starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from organizations.models import Organization


class OrganizationScopedQuerySet(models.QuerySet):
    """A queryset over records that each belong to one organization."""

    def for_organization(self, organization: Organization) -> Self:
        """Only this organization's records: another organization's do not exist for the caller."""
        return self.filter(organization_id=organization.pk)
