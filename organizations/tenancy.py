"""Tenant scoping: every statement on an organization's data names the organization (docs/decisions/0015)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import models
from django.db.models.lookups import Exact

if TYPE_CHECKING:
    from organizations.models import Organization


class OrganizationScopedQuerySet(models.QuerySet):
    """A queryset over records that each belong to one organization."""

    def for_organization(self, organization: Organization) -> Self:
        """Only this organization's records: another organization's do not exist for the caller."""
        return self.filter(organization_id=organization.pk)


_SetType = TypeVar("_SetType")
_GetType = TypeVar("_GetType")


class TenantForeignKey(models.ForeignKey[_SetType, _GetType]):
    """A foreign key to a record of the same organization.

    Joins along it, and the query that fetches the related object, compare the organizations as well as the ids. Both
    models have an ``organization``. The column is that of a plain foreign key, and migrations write it as one; that
    both records belong to one organization is the promise of a composite key in the model's constraints.
    """

    def get_extra_restriction(self, alias: str, related_alias: str) -> Any:
        """The condition of a join: ``alias`` is the table referred to, ``related_alias`` the table with the key."""
        there: Any = self.related_model._meta.get_field("organization")
        own: Any = self.model._meta.get_field("organization")
        return Exact(there.get_col(alias), own.get_col(related_alias))

    def get_extra_descriptor_filter(self, instance: models.Model) -> dict[str, Any]:
        """The condition of the query that fetches the related object."""
        return {"organization_id": instance.organization_id}  # type: ignore[attr-defined]

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """As a plain foreign key."""
        name, _, arguments, keywords = super().deconstruct()
        return name, "django.db.models.ForeignKey", arguments, keywords
