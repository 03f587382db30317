"""How the file of an import was read: the options of a file may change afterwards."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imports", "0011_file_counts")]

    operations = [
        migrations.AddField(
            model_name="import",
            name="file_options",
            field=models.JSONField(
                db_default=[],
                default=list,
                editable=False,
                help_text="The options with which each sheet of the file was read, in their order.",
            ),
        ),
    ]
