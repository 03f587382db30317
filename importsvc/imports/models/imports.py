"""Imports and their staged rows."""

from __future__ import annotations

import enum

from django.db import models
from django.utils import timezone

from importsvc.files.models import ImportFile, OnDuplicate
from importsvc.postgres.fields import OrderedJsonField
from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from organizations.models import Organization
from organizations.tenancy import OrganizationScopedQuerySet, TenantForeignKey
from people.author_key import AuthorForeignKey
from people.models import Person


class ImportState(enum.StrEnum):
    """The state of an import. It only changes from created to processed, and from processed to reverted."""

    CREATED = "created"
    PROCESSED = "processed"
    REVERTED = "reverted"


class OnRowError(models.TextChoices):
    """What becomes of rows with errors."""

    REFUSE = "refuse"  # no row is staged
    STAGE = "stage"  # the rows and their errors are staged, to be corrected
    SKIP = "skip"  # likewise, and a run leaves the rows with errors out


class Import(models.Model):
    """An import: its options, and when it was run and reverted. Its rows are in ``StagedChunk``."""

    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="imports",
        db_constraint=False,
        db_index=False,  # a constraint below starts with it
    )
    creator = AuthorForeignKey(
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
    match_by = models.CharField(
        max_length=63,
        null=True,
        blank=True,
        help_text="The unique column by which rows match records, of the types that have it; null for each type's own.",
    )
    on_row_error = models.CharField(
        max_length=6, choices=OnRowError.choices, default=OnRowError.REFUSE, db_default=OnRowError.REFUSE
    )
    error_count = models.PositiveIntegerField(
        null=True, editable=False, help_text="The number of its row errors; null if they are not kept."
    )
    derived_types = models.JSONField(
        default=list,
        db_default=[],
        editable=False,
        help_text="Types of which rows that match a record are skipped even if on_duplicate is error.",
    )
    headers = models.JSONField(
        default=dict,
        db_default={},
        editable=False,
        help_text="The headers of the file by type and column, if the rows come from a file.",
    )
    import_file = TenantForeignKey(
        ImportFile,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="imports",
        db_constraint=False,
        db_index=False,
        help_text="The file that the rows come from; null if they come from none.",
    )
    mapping = OrderedJsonField(null=True, editable=False, help_text="The mapping document that was used for the file.")
    file_counts = OrderedJsonField(
        null=True,
        editable=False,
        help_text="row_count, blank_row_count and unmapped_row_count of the file; null if the rows come from none.",
    )
    file_options = models.JSONField(
        default=list,
        db_default=[],
        editable=False,
        help_text="The options with which each sheet of the file was read, in their order.",
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
    staged_at = models.DateTimeField(
        null=True, editable=False, help_text="When the staged rows were replaced; null if they never were."
    )
    pruned_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When its rows were deleted, those of the change log as well; null if they were not.",
    )
    # Actors as JSON; see ``importsvc.imports.actors``.
    processed_by = models.JSONField(null=True, editable=False)
    reverted_by = models.JSONField(null=True, editable=False)
    reverted_with = models.CharField(
        max_length=8, null=True, editable=False, help_text="The conflict policy of the revert: refuse, keep or discard."
    )
    revert_counts = models.JSONField(
        null=True,
        editable=False,
        help_text="The numbers of records of each type that the revert removed, restored and kept, or that were gone.",
    )

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
            # An import and its creator belong to the same organization.
            ForeignKeyConstraint(
                fields=["organization", "creator"],
                to="people.Author",
                to_fields=["organization", "person"],
                name="import_creator_of_same_organization",
            ),
            # An import and its file belong to the same organization.
            ForeignKeyConstraint(
                fields=["organization", "import_file"],
                to="files.ImportFile",
                to_fields=["organization", "id"],
                name="import_file_of_same_organization",
            ),
            models.CheckConstraint(
                condition=models.Q(import_file=None, mapping__isnull=True)
                | models.Q(import_file__isnull=False, mapping__isnull=False),
                name="import_file_with_mapping",
            ),
            models.CheckConstraint(
                condition=models.Q(file_counts__isnull=True) | models.Q(import_file__isnull=False),
                name="import_file_counts_of_file",
            ),
            models.CheckConstraint(
                condition=models.Q(on_duplicate__in=OnDuplicate.values), name="import_on_duplicate_known"
            ),
            models.CheckConstraint(
                condition=models.Q(on_row_error__in=OnRowError.values), name="import_on_row_error_known"
            ),
        ]
        indexes = [
            # The order of a list of the imports of a file; also the index of the key.
            models.Index(fields=["organization", "import_file", "id"], name="import_of_file"),
            models.Index(fields=["organization", "import_model_id"], name="import_organization_model"),
            # Both columns of the key: PostgreSQL then checks it by this index when people are removed, and not by one
            # that reads all imports of the organization for each of them.
            models.Index(fields=["creator", "organization"], name="import_creator_organization"),
            # For the filters and sort fields of lists. Equal values, such as the null of imports that were not run, are
            # always sorted by ascending id, so each direction needs its own index.
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
        """The state, computed from the time stamps."""
        if self.reverted_at:
            return ImportState.REVERTED
        return ImportState.PROCESSED if self.processed_at else ImportState.CREATED

    @property
    def is_revertible(self) -> bool:
        """Whether the import was run and not reverted, and its change log is kept. Conflicts may still refuse it."""
        return self.state == ImportState.PROCESSED and not self.pruned_at
