"""Operations that check staged rows again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("operations", "0002_lists_and_permissions")]

    operations = [
        migrations.AlterField(
            model_name="operation",
            name="kind",
            field=models.CharField(
                choices=[
                    ("create", "Create"),
                    ("update", "Update"),
                    ("import", "Import"),
                    ("revert", "Revert"),
                    ("check", "Check"),
                ],
                max_length=8,
            ),
        ),
    ]
