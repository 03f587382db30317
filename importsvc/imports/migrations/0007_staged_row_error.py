"""The errors of staged rows."""

import django.db.models.deletion
from django.db import migrations, models

import importsvc.postgres.foreign_key_constraint


class Migration(migrations.Migration):
    dependencies = [("imports", "0006_staged_chunk_places"), ("organizations", "0001_organization")]

    operations = [
        migrations.CreateModel(
            name="StagedRowError",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "import_record_id",
                        "record_type",
                        "row",
                        "number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("record_type", models.CharField(help_text="The importable's name: company, person…", max_length=63)),
                ("row", models.PositiveIntegerField(help_text="Counted from 1 within its type.")),
                ("number", models.PositiveIntegerField(help_text="Counted from 0 within its row.")),
                ("line", models.PositiveIntegerField(help_text="Of the file that the row comes from.", null=True)),
                ("sheet", models.TextField(blank=True, default="", help_text="Of that file.")),
                ("column", models.TextField(help_text="Null for the row as a whole.", null=True)),
                (
                    "header",
                    models.TextField(
                        help_text="Of the cell, as submitted; null if the row has no such cell.", null=True
                    ),
                ),
                (
                    "value",
                    models.TextField(
                        help_text="The start of the cell, as text; null if the row has no such cell.", null=True
                    ),
                ),
                ("code", models.CharField(max_length=32)),
                ("message", models.TextField()),
                (
                    "other_row",
                    models.PositiveIntegerField(help_text="The row that this one repeats or refers to.", null=True),
                ),
                (
                    "import_record",
                    models.ForeignKey(
                        db_column="import_id",
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="row_errors",
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
            model_name="stagedrowerror",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization", "import_record"),
                name="row_error_of_import",
                to="imports.Import",
                to_fields=("organization", "id"),
            ),
        ),
    ]
