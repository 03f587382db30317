"""Companies: the clients and suppliers an organization works with, and its own company."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from organizations.models import Organization, validate_currency_code
from organizations.tenancy import OrganizationScopedQuerySet


class Company(models.Model):
    """A company. Its name is not unique in the database: two of one name may be made by hand, and imports say so."""

    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="companies",
        db_constraint=False,
        db_index=False,  # the constraint below starts with it
    )
    name = models.CharField(max_length=255)
    default_currency = models.CharField(
        max_length=3, default="USD", validators=[validate_currency_code], help_text="ISO 4217 code."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True)
    avatar_url = models.URLField(max_length=2000, null=True, blank=True)
    invoice_email_recipients = models.JSONField(default=dict, blank=True)
    custom_fields = models.JSONField(null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    due_days = models.PositiveIntegerField(null=True, blank=True)
    tag_list = ArrayField(models.CharField(max_length=255), default=list, blank=True)

    objects = OrganizationScopedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "companies"
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="company_name_not_blank"),
            # Also what a person's composite key refers to, and the order of lists.
            models.UniqueConstraint(fields=["organization", "id"], name="company_organization_id"),
            ForeignKeyConstraint(
                fields=["organization"],
                to="organizations.Organization",
                to_fields=["id"],
                name="company_organization_exists",
            ),
        ]
        indexes = [
            # The name first: the other way round PostgreSQL may take this index for the check of the composite
            # key above while it has no statistics, and then reads every company of the organization for every person.
            models.Index(Lower("name"), "organization", name="company_name_organization"),
        ]

    def __str__(self) -> str:
        return self.name
