"""Companies."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.db import migrations, models

from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("organizations", "0001_organization"),
    ]

    operations = [
        migrations.CreateModel(
            name="Company",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=255)),
                (
                    "default_currency",
                    models.CharField(
                        default="USD",
                        help_text="ISO 4217 code.",
                        max_length=3,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{3}\\Z", "Use an ISO 4217 code, for example EUR."
                            )
                        ],
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                ("avatar_url", models.URLField(blank=True, max_length=2000, null=True)),
                ("invoice_email_recipients", models.JSONField(blank=True, default=dict)),
                ("custom_fields", models.JSONField(blank=True, null=True)),
                ("description", models.TextField(blank=True, null=True)),
                ("due_days", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "tag_list",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=255), blank=True, default=list, size=None
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="companies",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "companies",
                "indexes": [
                    models.Index(
                        django.db.models.functions.text.Lower("name"),
                        models.F("organization"),
                        name="company_name_organization",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="company_name_not_blank"
                    ),
                    models.UniqueConstraint(fields=("organization", "id"), name="company_organization_id"),
                    ForeignKeyConstraint(
                        fields=("organization",),
                        name="company_organization_exists",
                        to="organizations.Organization",
                        to_fields=("id",),
                    ),
                ],
            },
        ),
        # A change log has one null for SQL and JSON: a revert could not tell which one to restore. No constraint of the
        # model: Django validates the null of SQL as if it were that of JSON.
        migrations.RunSQL(
            sql="ALTER TABLE companies_company ADD CONSTRAINT company_custom_fields_not_json_null"
            " CHECK (custom_fields <> 'null')",
            reverse_sql="ALTER TABLE companies_company DROP CONSTRAINT company_custom_fields_not_json_null",
        ),
    ]
