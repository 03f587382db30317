"""Imports and what is staged for them."""

from __future__ import annotations

import enum
from typing import Any

from django.db import models
from django.utils import timezone

from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
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
    """What a client asked to be imported: when it was applied and reverted. Its rows are in ``StagedChunk``."""

    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="imports",
        db_constraint=False,
        db_index=False,  # a constraint below starts with it
    )
    creator = TenantForeignKey(
        Person, on_delete=models.PROTECT, related_name="imports", db_constraint=False, db_index=False
    )
    import_model_id = models.BigIntegerField(null=True, blank=True)
    sample = models.BooleanField(null=True, blank=True)
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
            ForeignKeyConstraint(
                fields=["organization"],
                to="organizations.Organization",
                to_fields=["id"],
                name="import_organization_exists",
            ),
            # An import's creator is of the import's own organization.
            ForeignKeyConstraint(
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


class JsonTextField(models.TextField):
    """JSON in PostgreSQL's type json, which keeps the text as it is; read and written as that text."""

    def db_type(self, connection: Any) -> str:
        """PostgreSQL's type."""
        return "json"

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """As text: the driver would decode it."""
        return f"{sql}::text", params


class StagedChunk(models.Model):
    """Staged rows of one type that follow each other: up to 2,000 rows or about 256 kB, as they were sent."""

    pk = models.CompositePrimaryKey("organization_id", "import_record_id", "number")
    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,  # the key to the import implies it
        db_index=False,  # the primary key starts with it
    )
    import_record = models.ForeignKey(
        Import,
        on_delete=models.CASCADE,
        related_name="staged_chunks",
        db_column="import_id",
        db_constraint=False,
        db_index=False,
    )
    number = models.PositiveIntegerField(help_text="In the order in which the chunks came, counted from 0.")
    record_type = models.CharField(max_length=63, help_text="The importable's name: company, person…")
    first_row = models.PositiveIntegerField(help_text="Counted from 1 within its type.")
    row_count = models.PositiveIntegerField(help_text="0 in the only chunk of a type without rows.")
    size = models.PositiveIntegerField(help_text="Bytes of the rows.")
    rows = JsonTextField(help_text="An array of rows.")

    objects = OrganizationScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            # A chunk belongs to the organization of its import.
            ForeignKeyConstraint(
                fields=["organization", "import_record"],
                to="imports.Import",
                to_fields=["organization", "id"],
                name="staged_chunk_of_import",
            ),
        ]

    def __str__(self) -> str:
        return f"Chunk {self.number} of import {self.import_record_id}"
