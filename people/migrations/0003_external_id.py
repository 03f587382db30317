"""What another system calls a person."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("people", "0002_token_scopes")]

    operations = [
        migrations.AddField(
            model_name="person",
            name="external_id",
            field=models.CharField(
                blank=True,
                help_text=(
                    "What another system calls the person; unique in the organization, upper and lower case differ."
                ),
                max_length=255,
                null=True,
            ),
        ),
    ]
