"""People and their tokens."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.db import migrations, models

from importsvc.postgres.foreign_key_constraint import ForeignKeyConstraint


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("companies", "0001_company"),
        ("organizations", "0001_organization"),
    ]

    operations = [
        migrations.CreateModel(
            name="Person",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first_name", models.CharField(max_length=255)),
                ("last_name", models.CharField(blank=True, max_length=255, null=True)),
                ("email", models.EmailField(blank=True, max_length=254, null=True)),
                ("title", models.CharField(blank=True, max_length=255, null=True)),
                ("joined_at", models.DateTimeField(blank=True, null=True)),
                ("last_seen_at", models.DateTimeField(blank=True, null=True)),
                ("deactivated_at", models.DateTimeField(blank=True, null=True)),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                ("role_id", models.PositiveIntegerField(blank=True, null=True)),
                ("invited_at", models.DateTimeField(blank=True, null=True)),
                ("is_user", models.BooleanField(default=False)),
                (
                    "tag_list",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=255), blank=True, default=list, size=None
                    ),
                ),
                ("avatar_url", models.URLField(blank=True, max_length=2000, null=True)),
                ("virtual", models.BooleanField(default=False)),
                ("custom_fields", models.JSONField(blank=True, null=True)),
                ("autotracking", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("placeholder", models.BooleanField(default=False)),
                ("color_id", models.PositiveIntegerField(blank=True, null=True)),
                ("private_custom_reports_used", models.PositiveIntegerField(default=0)),
                (
                    "company",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="people",
                        to="companies.company",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="people",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "people",
            },
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("prefix", models.CharField(editable=False, max_length=8, unique=True)),
                ("hashed_key", models.CharField(editable=False, max_length=150)),
                ("created", models.DateTimeField(auto_now_add=True, db_index=True)),
                (
                    "name",
                    models.CharField(
                        default=None,
                        help_text="A free-form name for the API key. Need not be unique. 50 characters max.",
                        max_length=50,
                    ),
                ),
                (
                    "revoked",
                    models.BooleanField(
                        blank=True,
                        default=False,
                        help_text="If the API key is revoked, clients cannot use it anymore. (This cannot be undone.)",
                    ),
                ),
                (
                    "expiry_date",
                    models.DateTimeField(
                        blank=True,
                        help_text="Once API key expires, clients cannot use it anymore.",
                        null=True,
                        verbose_name="Expires",
                    ),
                ),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tokens",
                        to="organizations.organization",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tokens",
                        to="people.person",
                    ),
                ),
            ],
            options={
                "verbose_name": "API token",
                "verbose_name_plural": "API tokens",
            },
        ),
        migrations.AddIndex(
            model_name="person",
            index=models.Index(fields=["company", "organization"], name="person_company_organization"),
        ),
        migrations.AddIndex(
            model_name="person",
            index=models.Index(
                condition=models.Q(("placeholder", True)), fields=["organization"], name="person_placeholders"
            ),
        ),
        migrations.AddIndex(
            model_name="person",
            index=models.Index(
                condition=models.Q(("private_custom_reports_used__gt", 0)),
                fields=["organization"],
                include=("private_custom_reports_used",),
                name="person_private_reports",
            ),
        ),
        migrations.AddConstraint(
            model_name="person",
            constraint=models.CheckConstraint(
                condition=models.Q(("first_name", ""), _negated=True), name="person_first_name_not_blank"
            ),
        ),
        migrations.AddConstraint(
            model_name="person",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("email"),
                models.F("organization"),
                name="person_email_organization",
                violation_error_message="Email has already been taken",
            ),
        ),
        migrations.AddConstraint(
            model_name="person",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="person_organization_id"),
        ),
        migrations.AddConstraint(
            model_name="person",
            constraint=ForeignKeyConstraint(
                fields=("organization",),
                name="person_organization_exists",
                to="organizations.Organization",
                to_fields=("id",),
            ),
        ),
        migrations.AddConstraint(
            model_name="person",
            constraint=ForeignKeyConstraint(
                fields=("organization", "company"),
                name="person_company_of_same_organization",
                to="companies.Company",
                to_fields=("organization", "id"),
            ),
        ),
        migrations.AddIndex(
            model_name="apitoken",
            index=models.Index(fields=["person", "organization"], name="token_person_organization"),
        ),
        migrations.AddConstraint(
            model_name="apitoken",
            constraint=ForeignKeyConstraint(
                fields=("organization", "person"),
                name="token_person_of_same_organization",
                to="people.Person",
                to_fields=("organization", "id"),
            ),
        ),
        # Fixes the number of distinct values, as a fraction of the rows. PostgreSQL then checks the key to companies by
        # the index of its columns, and not by one that reads all rows of an organization, even if the statistics are
        # those of a nearly empty table or all rows have the same company.
        migrations.RunSQL(
            sql="""
                ALTER TABLE people_person ALTER COLUMN company_id SET (n_distinct = -1);
                ALTER TABLE people_person ALTER COLUMN organization_id SET (n_distinct = -0.001);
            """,
            reverse_sql="""
                ALTER TABLE people_person ALTER COLUMN organization_id RESET (n_distinct);
                ALTER TABLE people_person ALTER COLUMN company_id RESET (n_distinct);
            """,
        ),
        # A change log has one null for SQL and JSON: a revert could not tell which one to restore. No constraint of the
        # model: Django validates the null of SQL as if it were that of JSON.
        migrations.RunSQL(
            sql="ALTER TABLE people_person ADD CONSTRAINT person_custom_fields_not_json_null"
            " CHECK (custom_fields <> 'null')",
            reverse_sql="ALTER TABLE people_person DROP CONSTRAINT person_custom_fields_not_json_null",
        ),
    ]
