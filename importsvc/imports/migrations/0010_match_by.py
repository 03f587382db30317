"""The unique column by which the rows of an import match records."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0009_import_file")]

    operations = [
        migrations.AddField(
            model_name="import",
            name="match_by",
            field=models.CharField(
                blank=True,
                help_text=(
                    "The unique column by which rows match records, of the types that have it; null for each type's own."
                ),
                max_length=63,
                null=True,
            ),
        ),
    ]
