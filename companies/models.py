"""Companies: the clients and suppliers of an organization, and its own company."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from organizations.models import Organization, validate_currency_code
from organizations.tenancy import OrganizationScopedQuerySet


class Company(models.Model):
    """A company. Its name is not unique: the admin can create duplicates, to which imports then refuse to refer."""

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
    external_id = models.CharField(
        max_length=255,
        null=True,
        blank=True,
        help_text="What another system calls the company; unique in the organization, upper and lower case differ.",
    )

    objects = OrganizationScopedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "companies"
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="company_name_not_blank"),
            # The key that people refer to, and the order of lists.
            models.UniqueConstraint(fields=["organization", "id"], name="company_organization_id"),
            # Partial, so that records without an external id cost nothing.
            models.UniqueConstraint(
                fields=["organization", "external_id"],
                condition=models.Q(external_id__isnull=False),
                name="company_external_id_organization",
                violation_error_message="External id has already been taken",
            ),
            ForeignKeyConstraint(
                fields=["organization"],
                to="organizations.Organization",
                to_fields=["id"],
                name="company_organization_exists",
            ),
        ]
        indexes = [
            # The name first: if the organization came first, PostgreSQL without statistics may use this index to
            # check the key of people to companies, and read all companies of the organization for each person.
            models.Index(Lower("name"), "organization", name="company_name_organization"),
        ]

    def __str__(self) -> str:
        return self.name
