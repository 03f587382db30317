"""What becomes of rows with errors, and how many errors an import has."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0004_pruned_imports")]

    operations = [
        migrations.AddField(
            model_name="import",
            name="on_row_error",
            field=models.CharField(
                choices=[("refuse", "Refuse"), ("stage", "Stage"), ("skip", "Skip")],
                db_default="refuse",
                default="refuse",
                max_length=6,
            ),
        ),
        migrations.AddField(
            model_name="import",
            name="error_count",
            field=models.PositiveIntegerField(
                editable=False, help_text="The number of its row errors; null if they are not kept.", null=True
            ),
        ),
        migrations.AddField(
            model_name="import",
            name="derived_types",
            field=models.JSONField(
                db_default=[],
                default=list,
                editable=False,
                help_text="Types of which rows that match a record are skipped even if on_duplicate is error.",
            ),
        ),
        migrations.AddField(
            model_name="import",
            name="headers",
            field=models.JSONField(
                db_default={},
                default=dict,
                editable=False,
                help_text="The headers of the file by type and column, if the rows come from a file.",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(("on_row_error__in", ["refuse", "stage", "skip"])), name="import_on_row_error_known"
            ),
        ),
    ]
