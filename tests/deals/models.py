"""A model at the end of a chain of references: from a deal to a person to a company."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from companies.models import Company
from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from organizations.models import Organization
from organizations.tenancy import TenantForeignKey
from people.models import Person


class Deal(models.Model):
    """A possible sale to a company, with a contact."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    company = TenantForeignKey(Company, on_delete=models.PROTECT, null=True, db_constraint=False)
    contact = TenantForeignKey(Person, on_delete=models.PROTECT, null=True, db_constraint=False)
    name = models.CharField(max_length=255)
    value = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    phone = models.CharField(max_length=16, null=True)
    closes_on = models.DateField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            ForeignKeyConstraint(
                fields=["organization", "company"],
                to="companies.Company",
                to_fields=["organization", "id"],
                name="deal_company_of_same_organization",
            ),
            ForeignKeyConstraint(
                fields=["organization", "contact"],
                to="people.Person",
                to_fields=["organization", "id"],
                name="deal_contact_of_same_organization",
            ),
        ]

    def __str__(self) -> str:
        return self.name
