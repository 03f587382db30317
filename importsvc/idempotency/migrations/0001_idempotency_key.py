"""Idempotency keys."""

import django.db.models.deletion
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
            name="IdempotencyKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=255)),
                (
                    "fingerprint",
                    models.CharField(help_text="Equal for equal requests: a SHA-256, in hex.", max_length=64),
                ),
                ("status", models.PositiveSmallIntegerField()),
                ("headers", models.JSONField()),
                ("body", models.BinaryField(help_text="The document as it was written, not compressed.")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="idempotency_keys",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "created_at", "id"], name="idempotency_key_created_at")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "key"), name="idempotency_key_organization_key"),
                    ForeignKeyConstraint(
                        fields=("organization",),
                        name="idempotency_key_organization_exists",
                        to="organizations.Organization",
                        to_fields=("id",),
                    ),
                ],
            },
        ),
    ]
