"""Imports whose rows are deleted because of their age."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0003_queued_chunk")]

    operations = [
        migrations.AddField(
            model_name="import",
            name="staged_at",
            field=models.DateTimeField(
                editable=False, help_text="When the staged rows were replaced; null if they never were.", null=True
            ),
        ),
        migrations.AddField(
            model_name="import",
            name="pruned_at",
            field=models.DateTimeField(
                editable=False,
                help_text="When its rows were deleted, those of the change log as well; null if they were not.",
                null=True,
            ),
        ),
    ]
