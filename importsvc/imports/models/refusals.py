"""The last refused run or check of an import."""

from __future__ import annotations

from django.db import models

from importsvc.imports.models.imports import Import
from importsvc.operations.models import Kind
from importsvc.postgres.fields import OrderedJsonField
from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint
from organizations.models import Organization
from organizations.tenancy import OrganizationScopedQuerySet, TenantForeignKey


class Refusal(models.Model):
    """The last run or check of an import that was refused during its request. A failed operation has its own errors.

    A row of its own: a refusal changes neither the import nor its version.
    """

    pk = models.CompositePrimaryKey("organization_id", "import_record_id")
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
        related_name="refusals",
        db_column="import_id",
        db_constraint=False,
        db_index=False,
    )
    # A preview is of no use later, so that its refusal is not kept.
    kind = models.CharField(max_length=8, choices=[(kind.value, kind.label) for kind in Kind if kind != Kind.PREVIEW])
    refused_at = models.DateTimeField()
    # An actor as JSON; see ``importsvc.imports.actors``.
    refused_by = models.JSONField()
    errors = OrderedJsonField(help_text="Objects with code, detail, attribute and meta, as operations have them.")
    row_error_count = models.PositiveIntegerField(
        null=True, help_text="The number of all row errors; null if it was not refused because of rows."
    )

    objects = OrganizationScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            # A refusal belongs to the organization of its import.
            ForeignKeyConstraint(
                fields=["organization", "import_record"],
                to="imports.Import",
                to_fields=["organization", "id"],
                name="refusal_of_import",
            ),
        ]

    def __str__(self) -> str:
        return f"Refusal of import {self.import_record_id}"
