"""The journal may tell of updates, and tells what a revert made of each change. Null columns: nothing is rewritten."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0012_known_on_duplicate_validated"),
    ]

    operations = [
        migrations.AddField(
            model_name="change",
            name="outcome",
            field=models.CharField(
                choices=[("removed", "Removed"), ("restored", "Restored"), ("kept", "Kept"), ("gone", "Gone")],
                help_text="What the revert made of it; null if it was removed or restored as was to be expected.",
                max_length=8,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="change",
            name="kept_fields",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=63),
                help_text="The columns that the revert left as others wrote them.",
                null=True,
                size=None,
            ),
        ),
        migrations.AlterField(
            model_name="change",
            name="action",
            field=models.CharField(choices=[("created", "Created"), ("updated", "Updated")], max_length=16),
        ),
    ]
