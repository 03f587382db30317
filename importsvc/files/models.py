"""Files of organizations, the parts in which their bytes are stored, and saved mappings."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from importsvc.postgres.fields import OrderedJsonField
from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from organizations.models import Organization
from organizations.tenancy import OrganizationScopedQuerySet, TenantForeignKey
from people.author_key import AuthorForeignKey
from people.models import Person


class OnDuplicate(models.TextChoices):
    """What becomes of a row whose match key an existing record of the organization has."""

    ERROR = "error"
    SKIP = "skip"
    UPDATE = "update"


class MissingCompanies(models.TextChoices):
    """What becomes of a company that a file names, and that the organization does not have."""

    CREATE = "create"
    ERROR = "error"


class ImportModel(models.Model):
    """A saved mapping: what the columns of files with certain headers mean. Its members are those of the document."""

    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="import_models",
        db_constraint=False,
        db_index=False,  # a constraint below starts with it
    )
    creator = AuthorForeignKey(
        Person,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="import_models",
        db_constraint=False,
        db_index=False,
        help_text="Null if the model was created in the admin.",
    )
    name = models.CharField(max_length=255, help_text="Unique in the organization, regardless of case.")
    columns = OrderedJsonField(default=list, blank=True, help_text="Headers, targets, steps, values, kind and sheet.")
    ignored = OrderedJsonField(default=list, blank=True, help_text="Headers of columns that are not imported.")
    formats = OrderedJsonField(default=dict, blank=True, help_text="date_order and decimal_sign of texts.")
    match_by = models.CharField(max_length=63, null=True, blank=True, help_text="The column that finds records.")
    on_duplicate = models.CharField(max_length=8, choices=OnDuplicate.choices, default=OnDuplicate.ERROR)
    missing_companies = models.CharField(
        max_length=8, choices=MissingCompanies.choices, default=MissingCompanies.CREATE
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OrganizationScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            # The key that files refer to, and the order of lists.
            models.UniqueConstraint(fields=["organization", "id"], name="import_model_organization_id"),
            models.UniqueConstraint(
                "organization",
                Lower("name"),
                name="import_model_name_once",
                violation_error_message="Name has already been taken.",
            ),
            models.CheckConstraint(condition=~models.Q(name=""), name="import_model_name_not_blank"),
            ForeignKeyConstraint(
                fields=["organization"],
                to="organizations.Organization",
                to_fields=["id"],
                name="import_model_organization_exists",
            ),
            # A model and its creator belong to the same organization.
            ForeignKeyConstraint(
                fields=["organization", "creator"],
                to="people.Author",
                to_fields=["organization", "person"],
                name="import_model_creator_of_same_organization",
            ),
        ]
        indexes = [
            # Both columns of the key, for its check when people are removed.
            models.Index(fields=["creator", "organization"], name="import_model_creator"),
        ]

    def __str__(self) -> str:
        return self.name


class ImportFile(models.Model):
    """A file that was uploaded: what was detected in it, and how it is read. Its bytes are in ``ImportFilePart``.

    The options, from ``format`` to ``sheet``, have the values in use: those of ``overrides`` and otherwise the guesses.
    """

    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="import_files",
        db_constraint=False,
        db_index=False,  # a constraint below starts with it
    )
    creator = AuthorForeignKey(
        Person, on_delete=models.PROTECT, related_name="import_files", db_constraint=False, db_index=False
    )
    name = models.CharField(max_length=255, blank=True, help_text="Blank if the client gave none.")
    content_type = models.CharField(
        max_length=255, blank=True, help_text="The media type that the client gave; blank if it gave none."
    )
    size = models.PositiveBigIntegerField(help_text="In bytes.")
    sha256 = models.CharField(max_length=64, help_text="Of the bytes, in hex.")
    format = models.CharField(max_length=16, help_text="csv, xlsx, ods, json_lines or json.")
    encoding = models.CharField(max_length=32, null=True, help_text="Of a text, such as utf-8.")
    separator = models.CharField(
        max_length=2, null=True, help_text="Between the cells of a text; blank for a single column."
    )
    quote = models.CharField(
        max_length=1, null=True, help_text="Around cells of a text; blank if quotes have no meaning."
    )
    decimal_sign = models.CharField(max_length=1, null=True, help_text="A point or a comma.")
    date_order = models.CharField(max_length=9, null=True, help_text="dmy, mdy, ymd, or ambiguous.")
    header_row = models.PositiveIntegerField(null=True, help_text="The row of the headers; 0 if there are none.")
    sheet = models.CharField(max_length=255, null=True, help_text="The name of the sheet that is read.")
    overrides = models.JSONField(default=dict, help_text="The options that were set, by name.")
    guesses = OrderedJsonField(help_text="Of each option the value that was guessed, and a confidence from 0 to 1.")
    sheets = OrderedJsonField(help_text="Name, row_count, hidden_row_count and trailing_blank_row_count of each sheet.")
    line_count = models.PositiveBigIntegerField(null=True, help_text="Of a text.")
    sampled_row_count = models.PositiveIntegerField(help_text="The rows that the columns were detected from.")
    columns = OrderedJsonField(help_text="Of each column its header, samples, fill rate, kind and date order.")
    proposed_mapping = OrderedJsonField(null=True, help_text="A mapping document for the columns.")
    proposed_import_model = TenantForeignKey(
        ImportModel,
        on_delete=models.DO_NOTHING,  # the service forgets proposals before it deletes their model
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="The model that the proposed mapping is; null if it is none.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    pruned_at = models.DateTimeField(null=True, help_text="When its bytes were deleted; null if they were not.")

    objects = OrganizationScopedQuerySet.as_manager()

    class Meta:
        permissions = [("download_importfile", "Can download import file")]
        constraints = [
            # The key that parts and imports refer to, and the order of lists.
            models.UniqueConstraint(fields=["organization", "id"], name="import_file_organization_id"),
            ForeignKeyConstraint(
                fields=["organization"],
                to="organizations.Organization",
                to_fields=["id"],
                name="import_file_organization_exists",
            ),
            # A file and its creator belong to the same organization.
            ForeignKeyConstraint(
                fields=["organization", "creator"],
                to="people.Author",
                to_fields=["organization", "person"],
                name="import_file_creator_of_same_organization",
            ),
            # A file and the model that is proposed for it belong to the same organization.
            ForeignKeyConstraint(
                fields=["organization", "proposed_import_model"],
                to="files.ImportModel",
                to_fields=["organization", "id"],
                name="import_file_proposed_model_of_same_organization",
            ),
        ]
        indexes = [
            # Both columns of the key, for its check when people are removed.
            models.Index(fields=["creator", "organization"], name="import_file_creator"),
            models.Index(
                fields=["proposed_import_model", "organization"],
                condition=models.Q(proposed_import_model__isnull=False),
                name="import_file_proposed_model",
            ),
            # What prune looks for, in all organizations.
            models.Index(
                fields=["created_at", "id"], condition=models.Q(pruned_at=None), name="import_file_created_at"
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"File {self.pk}"


class ImportFilePart(models.Model):
    """Consecutive bytes of a file: about 1 MB."""

    pk = models.CompositePrimaryKey("organization_id", "import_file_id", "number")
    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,  # the key to the file implies it
        db_index=False,  # the primary key starts with it
    )
    import_file = models.ForeignKey(
        ImportFile, on_delete=models.CASCADE, related_name="parts", db_constraint=False, db_index=False
    )
    number = models.PositiveIntegerField(help_text="In the order of the bytes, counted from 0.")
    # Not compressed by PostgreSQL: workbooks are already, and texts would cost more time than they are worth.
    content = models.BinaryField()

    objects = OrganizationScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            # A part belongs to the organization of its file.
            ForeignKeyConstraint(
                fields=["organization", "import_file"],
                to="files.ImportFile",
                to_fields=["organization", "id"],
                name="import_file_part_of_file",
            ),
        ]

    def __str__(self) -> str:
        return f"Part {self.number}"
