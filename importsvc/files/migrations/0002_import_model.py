"""Saved mappings."""

import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.db import migrations, models

import importsvc.postgres.fields
import importsvc.postgres.foreign_key_constraint


class Migration(migrations.Migration):
    dependencies = [
        ("files", "0001_import_file"),
        ("organizations", "0001_organization"),
        ("people", "0002_token_scopes"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportModel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="Unique in the organization, regardless of case.", max_length=255)),
                (
                    "columns",
                    importsvc.postgres.fields.OrderedJsonField(
                        blank=True, default=list, help_text="Headers, targets, steps, values, kind and sheet."
                    ),
                ),
                (
                    "ignored",
                    importsvc.postgres.fields.OrderedJsonField(
                        blank=True, default=list, help_text="Headers of columns that are not imported."
                    ),
                ),
                (
                    "formats",
                    importsvc.postgres.fields.OrderedJsonField(
                        blank=True, default=dict, help_text="date_order and decimal_sign of texts."
                    ),
                ),
                (
                    "match_by",
                    models.CharField(blank=True, help_text="The column that finds records.", max_length=63, null=True),
                ),
                (
                    "on_duplicate",
                    models.CharField(
                        choices=[("error", "Error"), ("skip", "Skip"), ("update", "Update")],
                        default="error",
                        max_length=8,
                    ),
                ),
                (
                    "missing_companies",
                    models.CharField(
                        choices=[("create", "Create"), ("error", "Error")], default="create", max_length=8
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "creator",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        help_text="Null if the model was created in the admin.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="import_models",
                        to="people.person",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="import_models",
                        to="organizations.organization",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="importmodel",
            index=models.Index(fields=["creator", "organization"], name="import_model_creator"),
        ),
        migrations.AddConstraint(
            model_name="importmodel",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="import_model_organization_id"),
        ),
        migrations.AddConstraint(
            model_name="importmodel",
            constraint=models.UniqueConstraint(
                models.F("organization"),
                django.db.models.functions.text.Lower("name"),
                name="import_model_name_once",
                violation_error_message="Name has already been taken.",
            ),
        ),
        migrations.AddConstraint(
            model_name="importmodel",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="import_model_name_not_blank"
            ),
        ),
        migrations.AddConstraint(
            model_name="importmodel",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization",),
                name="import_model_organization_exists",
                to="organizations.Organization",
                to_fields=("id",),
            ),
        ),
        migrations.AddConstraint(
            model_name="importmodel",
            constraint=importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                fields=("organization", "creator"),
                name="import_model_creator_of_same_organization",
                to="people.Person",
                to_fields=("organization", "id"),
            ),
        ),
    ]
