"""Imports and their staged rows."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import importsvc.imports.models
import importsvc.postgres.foreign_key_constraint


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("organizations", "0001_organization"),
        ("people", "0001_person_and_token"),
    ]

    operations = [
        migrations.CreateModel(
            name="Import",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("import_model_id", models.BigIntegerField(blank=True, null=True)),
                ("sample", models.BooleanField(blank=True, null=True)),
                (
                    "shared_values",
                    models.JSONField(
                        default=dict,
                        editable=False,
                        help_text="The change log's part that is the same for all records of a type: values by type and column.",
                    ),
                ),
                (
                    "on_duplicate",
                    models.CharField(
                        choices=[("error", "Error"), ("skip", "Skip"), ("update", "Update")],
                        db_default="error",
                        default="error",
                        max_length=8,
                    ),
                ),
                (
                    "counts",
                    models.JSONField(
                        editable=False,
                        help_text="How many rows of each type were created, updated, unchanged and skipped; null until it was run.",
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("processed_at", models.DateTimeField(blank=True, null=True)),
                ("reverted_at", models.DateTimeField(blank=True, null=True)),
                ("processed_by", models.JSONField(editable=False, null=True)),
                ("reverted_by", models.JSONField(editable=False, null=True)),
                (
                    "creator",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imports",
                        to="people.person",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imports",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "permissions": [("revert_import", "Can revert import")],
            },
        ),
        migrations.CreateModel(
            name="StagedChunk",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "import_record_id",
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
                ("rows", importsvc.imports.models.JsonTextField(help_text="An array of rows.")),
                (
                    "import_record",
                    models.ForeignKey(
                        db_column="import_id",
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="staged_chunks",
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
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["organization", "import_model_id"], name="import_organization_model"),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["creator", "organization"], name="import_creator_organization"),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["organization", "sample", "id"], name="import_sample"),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["organization", "started_at", "id"], name="import_started_at"),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["organization", "-started_at", "id"], name="import_started_at_desc"),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["organization", "processed_at", "id"], name="import_processed_at"),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["organization", "-processed_at", "id"], name="import_processed_at_desc"),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["organization", "reverted_at", "id"], name="import_reverted_at"),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["organization", "-reverted_at", "id"], name="import_reverted_at_desc"),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("processed_at", None),
                    models.Q(("processed_at__gte", models.F("started_at")), ("started_at__isnull", False)),
                    _connector="OR",
                ),
                name="import_started_before_processed",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("reverted_at", None),
                    models.Q(("processed_at__isnull", False), ("reverted_at__gte", models.F("processed_at"))),
                    _connector="OR",
                ),
                name="import_processed_before_reverted",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="import_organization_id"),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization",),
                name="import_organization_exists",
                to="organizations.Organization",
                to_fields=("id",),
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization", "creator"),
                name="import_creator_of_same_organization",
                to="people.Person",
                to_fields=("organization", "id"),
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(("on_duplicate__in", ["error", "skip", "update"])), name="import_on_duplicate_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="stagedchunk",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization", "import_record"),
                name="staged_chunk_of_import",
                to="imports.Import",
                to_fields=("organization", "id"),
            ),
        ),
        # Fixes the number of distinct values, as a fraction of the rows. PostgreSQL then checks the key to creators by
        # the index of its columns, and not by one that reads all rows of an organization, even if the statistics are
        # those of a nearly empty table or all rows have the same creator.
        migrations.RunSQL(
            sql="""
                ALTER TABLE imports_import ALTER COLUMN creator_id SET (n_distinct = -1);
                ALTER TABLE imports_import ALTER COLUMN organization_id SET (n_distinct = -0.001);
            """,
            reverse_sql="""
                ALTER TABLE imports_import ALTER COLUMN organization_id RESET (n_distinct);
                ALTER TABLE imports_import ALTER COLUMN creator_id RESET (n_distinct);
            """,
        ),
    ]
