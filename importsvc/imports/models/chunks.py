"""Rows in the database, chunk by chunk, and the errors of staged rows."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from importsvc.imports.models.imports import Import
from importsvc.operations.models import Operation
from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from organizations.models import Organization
from organizations.tenancy import OrganizationScopedQuerySet, TenantForeignKey


class JsonTextField(models.TextField):
    """A field of PostgreSQL's type json, which stores the text unchanged. Its Python value is that text."""

    def db_type(self, connection: Any) -> str:
        """PostgreSQL's type."""
        return "json"

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """Cast to text, because the driver would decode json."""
        return f"{sql}::text", params


class Chunk(models.Model):
    """Consecutive rows of one type, as submitted: at most 2,000 rows and about 256 kB."""

    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,  # the key to the import or the operation implies it
        db_index=False,  # the primary key starts with it
    )
    number = models.PositiveIntegerField(help_text="In the order in which the chunks came, counted from 0.")
    record_type = models.CharField(max_length=63, help_text="The importable's name: company, person…")
    first_row = models.PositiveIntegerField(help_text="Counted from 1 within its type.")
    row_count = models.PositiveIntegerField(help_text="0 in the only chunk of a type without rows.")
    size = models.PositiveIntegerField(help_text="Bytes of the rows.")

    objects = OrganizationScopedQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"Chunk {self.number}"


class StagedChunk(Chunk):
    """Staged rows of an import."""

    pk = models.CompositePrimaryKey("organization_id", "import_record_id", "number")
    import_record = models.ForeignKey(
        Import,
        on_delete=models.CASCADE,
        related_name="staged_chunks",
        db_column="import_id",
        db_constraint=False,
        db_index=False,
    )
    rows = JsonTextField(help_text="An array of rows; {} in place of a deleted one.")
    sheet = models.TextField(blank=True, default="", db_default="", help_text="Of the file that the rows come from.")
    lines = ArrayField(
        models.PositiveIntegerField(), null=True, help_text="The line of each row in that file; null without a file."
    )
    deleted_rows = ArrayField(models.PositiveIntegerField(), default=list, db_default=[], help_text="Their numbers.")
    keys = models.JSONField(
        null=True,
        help_text="The folded value of each row by column, for the columns by which the errors of rows depend on each"
        " other; null if errors are not kept.",
    )
    unknown_columns = models.JSONField(
        default=dict, db_default={}, help_text="The first row of the chunk with each unknown column."
    )

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


class StagedRowError(models.Model):
    """An error of a staged row. Those of a row are numbered in the order in which they are reported."""

    pk = models.CompositePrimaryKey("organization_id", "import_record_id", "record_type", "row", "number")
    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,  # the key to the import implies it
        db_index=False,  # the primary key starts with it
    )
    import_record = TenantForeignKey(
        Import,
        on_delete=models.CASCADE,
        related_name="row_errors",
        db_column="import_id",
        db_constraint=False,
        db_index=False,
    )
    record_type = models.CharField(max_length=63, help_text="The importable's name: company, person…")
    row = models.PositiveIntegerField(help_text="Counted from 1 within its type.")
    number = models.PositiveIntegerField(help_text="Counted from 0 within its row.")
    line = models.PositiveIntegerField(null=True, help_text="Of the file that the row comes from.")
    sheet = models.TextField(blank=True, default="", help_text="Of that file.")
    column = models.TextField(null=True, help_text="Null for the row as a whole.")
    header = models.TextField(null=True, help_text="Of the cell, as submitted; null if the row has no such cell.")
    value = models.TextField(null=True, help_text="The start of the cell, as text; null if the row has no such cell.")
    code = models.CharField(max_length=32)
    message = models.TextField()
    other_row = models.PositiveIntegerField(null=True, help_text="The row that this one repeats or refers to.")

    objects = OrganizationScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            # An error belongs to the organization of its import.
            ForeignKeyConstraint(
                fields=["organization", "import_record"],
                to="imports.Import",
                to_fields=["organization", "id"],
                name="row_error_of_import",
            ),
        ]

    def __str__(self) -> str:
        return self.message


class QueuedChunk(Chunk):
    """Rows of a queued operation, which are not checked yet."""

    pk = models.CompositePrimaryKey("organization_id", "operation_id", "number")
    operation = TenantForeignKey(
        Operation, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    # Not json: rows may have escapes that PostgreSQL refuses, which are row errors.
    rows = models.BinaryField(help_text="An array of rows, in UTF-8.")

    class Meta:
        constraints = [
            # A chunk belongs to the organization of its operation.
            ForeignKeyConstraint(
                fields=["organization", "operation"],
                to="operations.Operation",
                to_fields=["organization", "id"],
                name="queued_chunk_of_operation",
            ),
        ]
