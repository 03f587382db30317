"""Tenant scoping: every statement on an organization's data names the organization (docs/decisions/0016)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models.lookups import Exact

if TYPE_CHECKING:
    from organizations.models import Organization


class OrganizationScopedQuerySet(models.QuerySet):
    """A queryset of records that have an organization."""

    def for_organization(self, organization: Organization) -> Self:
        """The records of this organization. For a caller, records of other organizations do not exist."""
        return self.filter(organization_id=organization.pk)


class TenantForeignKey(models.ForeignKey):
    """A foreign key to a record of the same organization.

    Its joins, and the query for the related object, compare both the organizations and the ids. Both models have a
    foreign key ``organization``. Migrations and the table have a plain foreign key; a composite foreign key among the
    model's constraints guarantees that both records belong to one organization.
    """

    def get_extra_restriction(self, alias: str, related_alias: str) -> Any:
        """The condition of a join: ``alias`` is the table referred to, ``related_alias`` the table with the key."""
        there: Any = self.related_model._meta.get_field("organization")
        own: Any = self.model._meta.get_field("organization")
        return Exact(there.get_col(alias), own.get_col(related_alias))

    def get_extra_descriptor_filter(self, instance: models.Model) -> dict[str, Any]:
        """The condition of the query for the related object."""
        return {"organization_id": instance.organization_id}  # type: ignore[attr-defined]

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """As a plain foreign key."""
        name, _, arguments, keywords = super().deconstruct()
        return name, "django.db.models.ForeignKey", arguments, keywords
