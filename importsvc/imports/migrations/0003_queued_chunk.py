"""Rows of queued operations."""

import django.db.models.deletion
from django.db import migrations, models

import importsvc.postgres.foreign_key_constraint


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0002_groups_of_staff"),
        ("operations", "0001_operation_and_progress"),
        ("organizations", "0001_organization"),
    ]

    operations = [
        migrations.CreateModel(
            name="QueuedChunk",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "operation_id",
                        "number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "number",
                    models.PositiveIntegerField(help_text="In the order in which the chunks came, counted from 0."),
                ),
                ("record_type", models.CharField(help_text="The importable's name: company, person…", max_length=63)),
                ("first_row", models.PositiveIntegerField(help_text="Counted from 1 within its type.")),
                ("row_count", models.PositiveIntegerField(help_text="0 in the only chunk of a type without rows.")),
                ("size", models.PositiveIntegerField(help_text="Bytes of the rows.")),
                ("rows", models.BinaryField(help_text="An array of rows, in UTF-8.")),
                (
                    "operation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="operations.operation",
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
            options={
                "constraints": [
                    importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                        fields=("organization", "operation"),
                        name="queued_chunk_of_operation",
                        to="operations.Operation",
                        to_fields=("organization", "id"),
                    ),
                ],
            },
        ),
    ]
