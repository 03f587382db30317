"""What an import does about duplicates, what came of its rows, and who ran and reverted it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0009_creators_are_looked_up_by_index"),
    ]

    operations = [
        migrations.AddField(
            model_name="import",
            name="counts",
            field=models.JSONField(
                editable=False,
                help_text="How many rows of each type were created, updated, unchanged and skipped;"
                " null until it was run.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="import",
            name="on_duplicate",
            field=models.CharField(
                choices=[("error", "Error"), ("skip", "Skip"), ("update", "Update")],
                db_default="error",
                default="error",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="import",
            name="processed_by",
            field=models.JSONField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="import",
            name="reverted_by",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
