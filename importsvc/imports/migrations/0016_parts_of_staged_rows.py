"""Large staged rows are kept in parts. Those that are there already stay as they are: a beginning without parts."""

import django.db.models.deletion
from django.db import migrations, models

from importsvc.postgres.statement_keys import StatementForeignKey

PUT_TOGETHER = """
    UPDATE imports_import SET import_data = import_data || parts.content
    FROM (
        SELECT import_id, string_agg(content, '' ORDER BY number) AS content FROM imports_stagedpart GROUP BY import_id
    ) AS parts
    WHERE parts.import_id = imports_import.id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0015_keys_checked_by_statement"),
    ]

    operations = [
        migrations.AlterField(
            model_name="import",
            name="import_data",
            field=models.TextField(
                blank=True,
                default="",
                help_text="The staged rows: JSON, exactly as it arrived. Of large ones the beginning; then come the parts.",
            ),
        ),
        migrations.CreateModel(
            name="StagedPart",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "import_record_id", "number", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("content", models.TextField()),
                (
                    "import_record",
                    models.ForeignKey(
                        db_column="import_id",
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="staged_parts",
                        to="imports.import",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="stagedpart",
            constraint=StatementForeignKey(
                fields=("import_record",), to="imports.Import", to_fields=("id",), name="staged_part_of_import"
            ),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, PUT_TOGETHER),
    ]
