"""The last refused run or check of an import."""

import django.db.models.deletion
from django.db import migrations, models

import importsvc.postgres.fields
import importsvc.postgres.foreign_key_constraint


class Migration(migrations.Migration):
    dependencies = [("imports", "0012_file_options"), ("organizations", "0001_organization")]

    operations = [
        migrations.CreateModel(
            name="Refusal",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "import_record_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("create", "Create"),
                            ("update", "Update"),
                            ("import", "Import"),
                            ("revert", "Revert"),
                            ("check", "Check"),
                        ],
                        max_length=8,
                    ),
                ),
                ("refused_at", models.DateTimeField()),
                ("refused_by", models.JSONField()),
                (
                    "errors",
                    importsvc.postgres.fields.OrderedJsonField(
                        help_text="Objects with code, detail, attribute and meta, as operations have them."
                    ),
                ),
                (
                    "row_error_count",
                    models.PositiveIntegerField(
                        help_text="The number of all row errors; null if it was not refused because of rows.",
                        null=True,
                    ),
                ),
                (
                    "import_record",
                    models.ForeignKey(
                        db_column="import_id",
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="refusals",
                        to="imports.import",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="refusal",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization", "import_record"),
                name="refusal_of_import",
                to="imports.Import",
                to_fields=("organization", "id"),
            ),
        ),
    ]
