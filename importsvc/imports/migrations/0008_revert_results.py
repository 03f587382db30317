"""The conflict policy of a revert, and how many records it removed, restored and kept."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0007_staged_row_error")]

    operations = [
        migrations.AddField(
            model_name="import",
            name="reverted_with",
            field=models.CharField(
                editable=False,
                help_text="The conflict policy of the revert: refuse, keep or discard.",
                max_length=8,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="import",
            name="revert_counts",
            field=models.JSONField(
                editable=False,
                help_text=(
                    "The numbers of records of each type that the revert removed, restored and kept, or that were gone."
                ),
                null=True,
            ),
        ),
    ]
