"""Tenant scoping: every statement on an organization's data names the organization (docs/decisions/0016)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models.expressions import Col
from django.db.models.lookups import Exact
from django.db.models.sql import AND
from django.db.models.sql.where import WhereNode

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


class TenantSubquery(models.Subquery):
    """A subquery for records of the organization of the outer query, to which it refers by ``OuterRef``.

    Where the outer query has a condition on the organization, the subquery gets the same. PostgreSQL does not need it,
    but a cluster only sends the statement to one node if each table is restricted by a value.
    """

    def as_sql(self, compiler: Any, connection: Any, *arguments: Any, **extra: Any) -> tuple[str, Any]:
        """The subquery, with the condition."""
        organization = next(_find_organizations(compiler.query.where), None)
        if organization is None:
            return super().as_sql(compiler, connection, *arguments, **extra)
        restricted: Any = self.copy()
        restricted.query = self.query.clone()
        column = restricted.query.model._meta.get_field("organization").get_col(restricted.query.get_initial_alias())
        restricted.query.where.add(Exact(column, organization), AND)
        return models.Subquery.as_sql(restricted, compiler, connection, *arguments, **extra)


def _find_organizations(where: WhereNode) -> Iterator[Any]:
    """The values to which the rows' organization must be equal."""
    if where.connector != AND or where.negated:
        return
    for child in where.children:
        if isinstance(child, WhereNode):
            yield from _find_organizations(child)
        elif isinstance(child, Exact) and isinstance(child.lhs, Col) and child.lhs.target.name == "organization":
            yield child.rhs
