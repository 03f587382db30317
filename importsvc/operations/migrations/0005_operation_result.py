"""What a preview shows."""

from django.db import migrations

import importsvc.postgres.fields


class Migration(migrations.Migration):
    dependencies = [("operations", "0004_preview_kind")]

    operations = [
        migrations.AddField(
            model_name="operation",
            name="result",
            field=importsvc.postgres.fields.OrderedJsonField(
                editable=False, help_text="What a preview shows; null for other kinds.", null=True
            ),
        ),
    ]
