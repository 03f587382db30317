"""The places of staged rows in their file, deleted rows, and what other rows may depend on."""

import django.contrib.postgres.fields
from django.db import migrations, models

import importsvc.imports.models


class Migration(migrations.Migration):
    dependencies = [("imports", "0005_row_error_options")]

    operations = [
        migrations.AddField(
            model_name="stagedchunk",
            name="sheet",
            field=models.TextField(
                blank=True, db_default="", default="", help_text="Of the file that the rows come from."
            ),
        ),
        migrations.AddField(
            model_name="stagedchunk",
            name="lines",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.PositiveIntegerField(),
                help_text="The line of each row in that file; null without a file.",
                null=True,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="stagedchunk",
            name="deleted_rows",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.PositiveIntegerField(),
                db_default=[],
                default=list,
                help_text="Their numbers.",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="stagedchunk",
            name="keys",
            field=models.JSONField(
                help_text="What other rows may depend on: folded values by column, and the first row of each unknown"
                " column. Null if errors are not kept.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="stagedchunk",
            name="rows",
            field=importsvc.imports.models.JsonTextField(help_text="An array of rows; {} in place of a deleted one."),
        ),
    ]
