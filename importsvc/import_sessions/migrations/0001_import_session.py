"""Import sessions."""

import datetime

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from django.db import migrations, models

import importsvc.postgres.foreign_key_constraint


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("organizations", "0001_organization"),
        ("people", "0004_external_id_unique"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportSession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("prefix", models.CharField(help_text="The part of the key before its dot.", max_length=8)),
                ("hashed_key", models.CharField(max_length=150)),
                (
                    "record_types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=63),
                        default=list,
                        help_text="The types that may be imported; all if it is empty.",
                        size=None,
                    ),
                ),
                (
                    "import_model_id",
                    models.BigIntegerField(help_text="The mapping that is used; null to propose one.", null=True),
                ),
                ("may_revert", models.BooleanField(help_text="Whether imports may be undone.")),
                (
                    "return_url",
                    models.CharField(help_text="Where the wizard leads back to.", max_length=2000, null=True),
                ),
                ("theme_color", models.CharField(help_text="#rrggbb, in lower case.", max_length=7, null=True)),
                (
                    "frame_origin",
                    models.CharField(
                        help_text="The origin whose pages embed the wizard; null if it is not embedded.",
                        max_length=255,
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("expires_at", models.DateTimeField()),
                (
                    "creator",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        help_text="The person whose token asked for the session.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="people.person",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="import_sessions",
                        to="organizations.organization",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        help_text="The person in whose name files and imports are created.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="import_sessions",
                        to="people.person",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["creator", "organization"], name="import_session_creator"),
                    models.Index(fields=["person", "organization"], name="import_session_person"),
                    models.Index(fields=["expires_at"], name="import_session_expires_at"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="import_session_organization_id"),
                    models.UniqueConstraint(fields=("organization", "prefix"), name="import_session_prefix"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_at__gt", models.F("created_at")),
                            (
                                "expires_at__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("created_at"), "+", models.Value(datetime.timedelta(seconds=3600))
                                ),
                            ),
                        ),
                        name="import_session_lifetime",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("theme_color", None), ("theme_color__regex", "^#[0-9a-f]{6}$"), _connector="OR"
                        ),
                        name="import_session_color",
                    ),
                    importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                        fields=("organization",),
                        name="import_session_organization_exists",
                        to="organizations.Organization",
                        to_fields=("id",),
                    ),
                    importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                        fields=("organization", "creator"),
                        name="import_session_creator_of_same_organization",
                        to="people.Person",
                        to_fields=("organization", "id"),
                    ),
                    importsvc.postgres.foreign_key_constraint.ForeignKeyConstraint(
                        fields=("organization", "person"),
                        name="import_session_person_of_same_organization",
                        to="people.Person",
                        to_fields=("organization", "id"),
                    ),
                ],
            },
        ),
    ]
