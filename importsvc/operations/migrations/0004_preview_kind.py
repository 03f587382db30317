"""Operations that preview the run or the revert of an import."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("operations", "0003_check_kind")]

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
                    ("preview", "Preview"),
                ],
                max_length=8,
            ),
        ),
    ]
