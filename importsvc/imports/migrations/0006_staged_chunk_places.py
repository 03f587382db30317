"""The places of staged rows in their file, deleted rows, and what other rows may depend on."""

import django.contrib.postgres.fields
from django.db import migrations, models

import importsvc.imports.models
from importsvc.postgres.column_storage import SetColumnStorage


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
                help_text="The folded value of each row by column, for the columns by which the errors of rows depend on"
                " each other; null if errors are not kept.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="stagedchunk",
            name="unknown_columns",
            field=models.JSONField(
                db_default={}, default=dict, help_text="The first row of the chunk with each unknown column."
            ),
        ),
        # Not compressed: a correction searches the keys of all chunks.
        SetColumnStorage("stagedchunk", "keys", "EXTERNAL"),
        migrations.AlterField(
            model_name="stagedchunk",
            name="rows",
            field=importsvc.imports.models.JsonTextField(help_text="An array of rows; {} in place of a deleted one."),
        ),
    ]
