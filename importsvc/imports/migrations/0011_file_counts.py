"""How many rows the file of an import has, and how many of them were dropped."""

from django.db import migrations, models

import importsvc.postgres.fields


class Migration(migrations.Migration):
    dependencies = [
        ("files", "0003_proposals"),
        ("imports", "0010_match_by"),
        ("organizations", "0001_organization"),
        ("people", "0002_token_scopes"),
    ]

    operations = [
        migrations.AddField(
            model_name="import",
            name="file_counts",
            field=importsvc.postgres.fields.OrderedJsonField(
                editable=False,
                help_text="row_count, blank_row_count and unmapped_row_count of the file; null if the rows come from none.",
                null=True,
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(("file_counts__isnull", True), ("import_file__isnull", False), _connector="OR"),
                name="import_file_counts_of_file",
            ),
        ),
    ]
