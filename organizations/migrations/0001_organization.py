"""Organizations."""

import django.core.validators
import django.utils.timezone
from django.db import migrations, models

import organizations.features
import organizations.models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Organization",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=255)),
                (
                    "time_zone",
                    models.CharField(
                        default="UTC",
                        help_text="IANA name, for example Europe/Zagreb. Time stamps in the API are written in this zone.",
                        max_length=64,
                        validators=[organizations.models.validate_time_zone],
                    ),
                ),
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
                (
                    "features",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text='Differences from the default plan, for example {"custom_fields": {"limit": 50}}.',
                        validators=[organizations.features.validate_features],
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="organization_name_not_blank"
                    )
                ],
            },
        ),
    ]
