"""Imports and what is staged for them."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import importsvc.postgres.statement_keys


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("organizations", "0001_organization"),
        ("people", "0004_keys_checked_by_statement"),
    ]

    operations = [
        migrations.CreateModel(
            name="Import",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("import_model_id", models.BigIntegerField(blank=True, null=True)),
                ("sample", models.BooleanField(blank=True, null=True)),
                (
                    "import_data",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="The staged rows: JSON, exactly as it arrived. Of large ones the beginning; then come the parts.",
                    ),
                ),
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
            name="StagedPart",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "import_record_id", "number", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("content", models.TextField()),
                (
                    "import_record",
                    models.ForeignKey(
                        db_column="import_id",
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="staged_parts",
                        to="imports.import",
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
            constraint=importsvc.postgres.statement_keys.StatementForeignKey(
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
            model_name="stagedpart",
            constraint=importsvc.postgres.statement_keys.StatementForeignKey(
                fields=("import_record",), name="staged_part_of_import", to="imports.Import", to_fields=("id",)
            ),
        ),
        # Removing people asks for the imports of each. Whatever PostgreSQL counts, these are found by their creator, and
        # not by the organization: every row another creator, a thousand rows an organization.
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
