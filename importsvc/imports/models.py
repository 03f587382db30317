"""Imports and what is staged for them."""

from __future__ import annotations

import enum

from django.db import models
from django.utils import timezone

from importsvc.postgres.statement_keys import StatementForeignKey
from organizations.models import Organization
from organizations.tenancy import OrganizationScopedQuerySet, TenantForeignKey
from people.models import Person


class ImportState(enum.StrEnum):
    """Where an import is in its life; it only moves from left to right."""

    CREATED = "created"
    PROCESSED = "processed"
    REVERTED = "reverted"


class OnDuplicate(models.TextChoices):
    """What becomes of a row whose match key a record of the organization has already."""

    ERROR = "error"
    SKIP = "skip"
    UPDATE = "update"


class Import(models.Model):
    """Rows somebody brought, staged as they came, and when they were applied and undone.

    Lists and details never need ``import_data``, which may be megabytes: defer it. ``importsvc.imports.staging``
    reads and writes it with its parts.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="imports", db_index=False)
    creator = TenantForeignKey(
        Person, on_delete=models.PROTECT, related_name="imports", db_constraint=False, db_index=False
    )
    import_model_id = models.BigIntegerField(null=True, blank=True)
    sample = models.BooleanField(null=True, blank=True)
    import_data = models.TextField(
        default="",
        blank=True,
        help_text="The staged rows: JSON, exactly as it arrived. Of large ones the beginning; then come the parts.",
    )
    shared_values = models.JSONField(
        default=dict,
        editable=False,
        help_text="The change log's part that is the same for all records of a type: values by type and column.",
    )
    on_duplicate = models.CharField(
        max_length=8, choices=OnDuplicate.choices, default=OnDuplicate.ERROR, db_default=OnDuplicate.ERROR
    )
    counts = models.JSONField(
        null=True,
        editable=False,
        help_text="How many rows of each type were created, updated, unchanged and skipped; null until it was run.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    processed_at = models.DateTimeField(null=True, blank=True)
    reverted_at = models.DateTimeField(null=True, blank=True)
    # Who it was, in words that outlive them; see ``importsvc.imports.actors``.
    processed_by = models.JSONField(null=True, editable=False)
    reverted_by = models.JSONField(null=True, editable=False)

    objects = OrganizationScopedQuerySet.as_manager()

    class Meta:
        permissions = [("revert_import", "Can revert import")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(processed_at=None)
                | models.Q(started_at__isnull=False, processed_at__gte=models.F("started_at")),
                name="import_started_before_processed",
            ),
            models.CheckConstraint(
                condition=models.Q(reverted_at=None)
                | models.Q(processed_at__isnull=False, reverted_at__gte=models.F("processed_at")),
                name="import_processed_before_reverted",
            ),
            models.UniqueConstraint(fields=["organization", "id"], name="import_organization_id"),
            # An import's creator is of the import's own organization.
            StatementForeignKey(
                fields=["organization", "creator"],
                to="people.Person",
                to_fields=["organization", "id"],
                name="import_creator_of_same_organization",
            ),
            models.CheckConstraint(
                condition=models.Q(on_duplicate__in=OnDuplicate.values), name="import_on_duplicate_known"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "import_model_id"], name="import_organization_model"),
            # Both columns of the composite key, so that PostgreSQL takes this index to check it for each of 100,000
            # people that are removed, and none of those that lead through all imports of the organization.
            models.Index(fields=["creator", "organization"], name="import_creator_organization"),
            # What lists are filtered and sorted by. Ids are always in ascending order among equals, and most imports
            # are equal in having no time stamp yet: so there is an index for either direction.
            models.Index(fields=["organization", "sample", "id"], name="import_sample"),
            models.Index(fields=["organization", "started_at", "id"], name="import_started_at"),
            models.Index(fields=["organization", "-started_at", "id"], name="import_started_at_desc"),
            models.Index(fields=["organization", "processed_at", "id"], name="import_processed_at"),
            models.Index(fields=["organization", "-processed_at", "id"], name="import_processed_at_desc"),
            models.Index(fields=["organization", "reverted_at", "id"], name="import_reverted_at"),
            models.Index(fields=["organization", "-reverted_at", "id"], name="import_reverted_at_desc"),
        ]

    def __str__(self) -> str:
        return f"Import {self.pk}"

    @property
    def state(self) -> ImportState:
        """The state, derived from the time stamps."""
        if self.reverted_at:
            return ImportState.REVERTED
        return ImportState.PROCESSED if self.processed_at else ImportState.CREATED


class StagedPart(models.Model):
    """What follows the beginning of staged rows that are large: parts of their text, in the order of their numbers.

    Together they may be hundreds of megabytes, of which PostgreSQL would otherwise hold several copies at once.
    """

    pk = models.CompositePrimaryKey("import_record_id", "number")
    import_record = models.ForeignKey(
        Import,
        on_delete=models.CASCADE,
        related_name="staged_parts",
        db_column="import_id",
        db_constraint=False,
        db_index=False,  # the primary key starts with it
    )
    number = models.PositiveIntegerField()
    content = models.TextField()

    class Meta:
        constraints = [
            StatementForeignKey(
                fields=["import_record"], to="imports.Import", to_fields=["id"], name="staged_part_of_import"
            ),
        ]

    def __str__(self) -> str:
        return f"Part {self.number} of import {self.import_record_id}"
