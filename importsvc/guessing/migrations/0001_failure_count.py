"""Counts of failed attempts to authenticate."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="FailureCount",
            fields=[
                (
                    "key",
                    models.CharField(
                        help_text="A digest: the address is not stored.",
                        max_length=64,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("failures", models.PositiveIntegerField()),
                (
                    "expires_at",
                    models.DateTimeField(db_index=True, help_text="From then on the next failure is the first one."),
                ),
            ],
        ),
    ]
